//! Where models come from: folders of models in the layout that Triton has, and files that are models themselves.
//!
//! Names that clients send are only compared with those found here, and never become paths.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The file in a model's folder that says how it is served.
pub(super) const CONFIG: &str = "config.pbtxt";
/// How files end that are models wherever they lie in a folder.
const PACKAGE: &str = "nav";
/// The most characters of a name.
const LONGEST: usize = 255;

/// Where models come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder. Each folder in it with a configuration or a version is a model, and each package.
    Folder(PathBuf),
    /// A file that is a model.
    File {
        /// What it is served as.
        name: String,
        /// Where it is.
        path: PathBuf,
    },
}

/// Where one model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Folder(PathBuf),
    File(PathBuf),
}

/// Why it cannot be told which models there are.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A folder, or a file that is a model, cannot be read.
    #[error("{path} cannot be read")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Two models have one name.
    #[error("{one} and {other} would both be served as `{name}`")]
    Twice {
        /// The name.
        name: String,
        /// One of them.
        one: PathBuf,
        /// The other one.
        other: PathBuf,
    },
    /// What it is called is no name for a model.
    #[error(
        "{path} has no name for a model: letters, digits, `.`, `_` and `-`, and no `.` to begin with"
    )]
    Name {
        /// Which one.
        path: PathBuf,
    },
}

impl Source {
    /// The same, independent of links and of the working directory, which may change while models are loaded.
    pub fn settled(mut self) -> Result<Self, SourceError> {
        let (Self::Folder(path) | Self::File { path, .. }) = &mut self;
        let found = path.canonicalize();
        *path = found.map_err(|source| SourceError::Folder {
            path: path.clone(),
            source,
        })?;
        Ok(self)
    }

    /// Whether a folder holds models or packages.
    pub fn is_filled(folder: &Path) -> bool {
        let mut found = BTreeMap::new();
        list(folder, &mut found).is_ok() && !found.is_empty()
    }

    /// The folder that paths of its models begin with.
    pub(super) fn root(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::File { path, .. } => path.parent(),
        }
    }
}

impl Place {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::File(path) => path,
        }
    }
}

/// All models of these sources, by name.
pub(super) fn all(sources: &[Source]) -> Result<BTreeMap<String, Place>, SourceError> {
    let mut found = BTreeMap::new();
    for source in sources {
        match source {
            Source::File { name, path } => {
                insert(&mut found, Some(name), Place::File(path.clone()))?;
            }
            Source::Folder(folder) => list(folder, &mut found)?,
        }
    }
    Ok(found)
}

fn list(folder: &Path, found: &mut BTreeMap<String, Place>) -> Result<(), SourceError> {
    let unreadable = |source| SourceError::Folder {
        path: folder.to_owned(),
        source,
    };
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            if is_model(&path) {
                let name = path.file_name().and_then(|name| name.to_str());
                insert(found, name, Place::Folder(path.clone()))?;
            }
        } else if path.extension().is_some_and(|end| end == PACKAGE) {
            let name = path.file_stem().and_then(|name| name.to_str());
            insert(found, name, Place::File(path.clone()))?;
        }
    }
    Ok(())
}

fn is_model(folder: &Path) -> bool {
    folder.join(CONFIG).is_file() || versions(folder).is_ok_and(|versions| !versions.is_empty())
}

fn insert(
    found: &mut BTreeMap<String, Place>,
    name: Option<&str>,
    place: Place,
) -> Result<(), SourceError> {
    let Some(name) = name.filter(|name| is_model_name(name)) else {
        let path = place.path().to_owned();
        return Err(SourceError::Name { path });
    };
    match found.get(name) {
        None => {
            found.insert(name.to_owned(), place);
            Ok(())
        }
        Some(other) => Err(SourceError::Twice {
            name: name.to_owned(),
            one: other.path().to_owned(),
            other: place.path().to_owned(),
        }),
    }
}

/// Whether a model can be called this. Names travel in paths as they are, so that they hold what paths can hold.
pub fn is_model_name(name: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    (1..=LONGEST).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_plain)
}

/// The versions that there is a folder of, in no order. What is no number, or begins with a zero, is something else.
pub(super) fn versions(folder: &Path) -> io::Result<Vec<u64>> {
    let mut versions = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(version) = name.to_str().and_then(version_of)
            && entry.path().is_dir()
        {
            versions.push(version);
        }
    }
    Ok(versions)
}

/// The version that a folder of this name is of.
pub(super) fn version_of(name: &str) -> Option<u64> {
    let version: u64 = name.parse().ok()?;
    (version > 0 && version.to_string() == name).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_models_and_packages() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["a/1", "a/02", "a/x", "b", "notes", ".git/1"] {
            std::fs::create_dir_all(root.join(path)).unwrap();
        }
        for path in ["b/config.pbtxt", "c.nav", "readme.txt"] {
            std::fs::write(root.join(path), "").unwrap();
        }
        let sources = [Source::Folder(root.to_owned())];
        let found = all(&sources).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(found["c"], Place::File(root.join("c.nav")));
        assert_eq!(versions(&root.join("a")).unwrap(), [1]);
        assert!(Source::is_filled(root) && !Source::is_filled(&root.join("notes")));
        std::fs::create_dir_all(root.join("c/1")).unwrap();
        assert!(matches!(all(&sources), Err(SourceError::Twice { name, .. }) if name == "c"));
    }

    #[test]
    fn a_source_that_is_settled_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (here, link) = (root.join("here"), root.join("link"));
        std::fs::create_dir(&here).unwrap();
        std::os::unix::fs::symlink(&here, &link).unwrap();
        let settled = Source::Folder(link.clone()).settled().unwrap();
        assert_eq!(settled, Source::Folder(here));
        let name = "m".to_owned();
        let missing = Source::File {
            name,
            path: root.join("gone"),
        };
        let error = missing.settled().unwrap_err();
        assert!(matches!(&error, SourceError::Folder { path, .. } if path.ends_with("gone")));
    }

    #[test]
    fn names_and_versions_are_plain() {
        for (name, expected) in [
            ("a-B_1.5", true),
            ("", false),
            (".", false),
            ("..", false),
            (".a", false),
            ("a/b", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(is_model_name(name), expected, "{name}");
        }
        assert!(!is_model_name(&"a".repeat(256)));
        let found = ["1", "10", "0", "01", "+1", "-1", "x"].map(version_of);
        assert_eq!(found, [Some(1), Some(10), None, None, None, None, None]);
    }
}
