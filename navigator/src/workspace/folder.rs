//! The folder itself: made, locked, and removed when nothing in it is of use any more.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::Serialize;

/// What the folder holds.
const PARTS: [&str; 5] = ["samples", "reference", "converted", "steps", "journal"];

/// Only one run works in a folder at a time.
const LOCK: &str = "lock";

/// How files that are not finished begin.
const UNFINISHED: &str = ".unfinished-";

/// A folder that this run has for itself.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    is_named: bool,
    _lock: File,
}

/// Why the folder cannot be worked in.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Another run has it.
    #[error("another run works in {folder}", folder = .folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no folder to work in.
    #[error("there is no folder to work in: neither a cache folder nor a workspace is known")]
    Nowhere,
    /// The system refused something.
    #[error("cannot write {path}", path = .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl Workspace {
    /// Makes the folder, or goes on in it. `is_named` is one that the user named, which is kept.
    pub fn open(folder: &Path, is_named: bool, fresh: bool) -> Result<Self, WorkspaceError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| WorkspaceError::Io { path, source }
        };
        make_folder(folder).map_err(failed(folder))?;
        let lock_path = folder.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(WorkspaceError::Busy {
                    folder: folder.to_owned(),
                });
            }
            Err(errno) => return Err(failed(&lock_path)(errno.into())),
        }
        for part in PARTS {
            let path = folder.join(part);
            if fresh && path.exists() {
                std::fs::remove_dir_all(&path).map_err(failed(&path))?;
            }
            make_folder(&path).map_err(failed(&path))?;
            remove_unfinished(&path).map_err(failed(&path))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            is_named,
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The place of the inputs of a case, as an `.npz` file.
    pub fn sample(&self, name: &str) -> PathBuf {
        self.folder
            .join("samples")
            .join(format!("{}.npz", plain(name)))
    }

    /// The place of the reference's outputs for a case.
    pub fn reference(&self, name: &str) -> PathBuf {
        self.folder
            .join("reference")
            .join(format!("{}.npz", plain(name)))
    }

    /// The place of a converted model.
    pub fn converted(&self, name: &str) -> PathBuf {
        self.folder.join("converted").join(plain(name))
    }

    /// The place of a step file.
    pub fn step(&self, name: &str) -> PathBuf {
        self.folder
            .join("steps")
            .join(format!("{}.json", plain(name)))
    }

    /// The folder of the journal.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// Writes a document at one of these places, whole or not at all.
    pub fn write(&self, path: &Path, document: &impl Serialize) -> Result<(), WorkspaceError> {
        write(path, document).map_err(|source| WorkspaceError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// Removes the folder, unless the user named it.
    pub fn remove(self) -> Result<(), WorkspaceError> {
        if self.is_named {
            return Ok(());
        }
        std::fs::remove_dir_all(&self.folder).map_err(|source| WorkspaceError::Io {
            path: self.folder.clone(),
            source,
        })
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// What a run that was killed left half written.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

pub(super) fn write(path: &Path, document: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    unfinished.write_all(&text)?;
    unfinished.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A name as part of a file's name: what could mean something to a file system is left out.
fn plain(name: &str) -> String {
    let plain = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => character,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time_and_keeps_what_is_finished() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("work");
        let first = Workspace::open(&folder, false, false).unwrap();
        assert!(matches!(
            Workspace::open(&folder, false, false),
            Err(WorkspaceError::Busy { .. })
        ));
        let step = first.step("a/b c");
        first.write(&step, &1).unwrap();
        assert_eq!(step, folder.join("steps/a_b_c.json"));
        std::fs::write(folder.join("steps/.unfinished-x"), "half").unwrap();
        drop(first);
        let second = Workspace::open(&folder, false, false).unwrap();
        assert!(step.exists());
        assert!(!folder.join("steps/.unfinished-x").exists());
        drop(second);
        let third = Workspace::open(&folder, false, true).unwrap();
        assert!(!step.exists());
        third.remove().unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_that_the_user_named_stays() {
        let place = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(place.path(), true, false).unwrap();
        workspace.remove().unwrap();
        assert!(place.path().exists());
    }
}
