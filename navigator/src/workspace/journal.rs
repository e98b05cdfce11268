//! The journal: what came of each piece of work, under the digest of all that it depended on. Equal inputs, equal
//! outcome: it need not be done again.

use std::path::PathBuf;

use nav_package_format::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::folder::{Workspace, WorkspaceError, write};

/// The journal of a workspace.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
}

/// What a piece of work depended on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(pub Digest);

impl Key {
    /// The key of work of some kind on these inputs. None where the inputs have no JSON form.
    pub fn of(kind: &str, inputs: &impl Serialize) -> Option<Self> {
        let text = serde_json::to_vec(&(kind, inputs)).ok()?;
        Some(Self(Digest::of(&text)))
    }
}

impl Journal {
    /// The journal of a workspace.
    pub fn of(workspace: &Workspace) -> Self {
        Self {
            folder: workspace.journal(),
        }
    }

    /// What came of this work before. What cannot be read counts as not done.
    pub fn recall<T: DeserializeOwned>(&self, key: Key) -> Option<T> {
        let text = std::fs::read(self.place(key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Notes what came of some work, at once and whole.
    pub fn note(&self, key: Key, outcome: &impl Serialize) -> Result<(), WorkspaceError> {
        let path = self.place(key);
        write(&path, outcome).map_err(|source| WorkspaceError::Io { path, source })
    }

    fn place(&self, key: Key) -> PathBuf {
        self.folder.join(format!("{}.json", key.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_recalled_by_its_inputs_and_damage_counts_as_nothing() {
        let place = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(place.path(), true, false).unwrap();
        let journal = Journal::of(&workspace);
        let key = |number: u32| Key::of("test", &number).unwrap();
        assert_ne!(key(1), Key::of("other", &1_u32).unwrap());
        assert_eq!(journal.recall::<String>(key(1)), None);
        journal.note(key(1), &"done").unwrap();
        assert_eq!(journal.recall::<String>(key(1)).as_deref(), Some("done"));
        assert_eq!(journal.recall::<String>(key(2)), None);
        std::fs::write(journal.place(key(1)), "\"do").unwrap();
        assert_eq!(journal.recall::<String>(key(1)), None);
    }
}
