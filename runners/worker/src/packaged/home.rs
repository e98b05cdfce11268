//! The folder of a user in which everything lies that `nav` keeps: installed runtimes, extracted models, the record of
//! what this machine built.
//!
//! Programs and the command share it. Reads no environment: whoever does says where it is.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use nav_package_format::cache::{Cache, CacheError};
use nav_runners::Libraries;

/// What it is called below the folder of a user's caches.
const NAME: &str = "nav";

/// The folder of a user in which everything lies that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It cannot be told where it is.
    #[error("cannot resolve {path}", path = .path.display())]
    Resolve {
        /// As it was given.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It is not there and cannot be made.
    #[error("cannot create {path}", path = .path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Models cannot be extracted into it.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl Home {
    /// This folder, which need not be there yet.
    pub fn at(folder: &Path) -> Result<Self, HomeError> {
        let absolute = std::path::absolute(folder);
        let folder = absolute.map_err(|source| HomeError::Resolve {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self { folder })
    }

    /// The one of the user whose environment has these values of `XDG_CACHE_HOME` and `HOME`.
    pub fn of_user(cache_home: Option<OsString>, home: Option<OsString>) -> Option<Self> {
        let folder = user_folder(cache_home, home, ".cache")?;
        Some(Self {
            folder: folder.join(NAME),
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where vendor libraries are, as they were installed.
    pub fn libraries(&self) -> Libraries {
        Libraries {
            runtimes_folder: Some(self.folder.join("runtimes")),
            ..Libraries::default()
        }
    }

    /// The cache that models are extracted to, made where it is missing.
    pub fn models(&self) -> Result<Cache, HomeError> {
        let made = std::fs::create_dir_all(&self.folder);
        made.map_err(|source| HomeError::Create {
            path: self.folder.clone(),
            source,
        })?;
        Ok(Cache::open(&self.folder.join("models"))?)
    }

    /// Where it is recorded what this machine built.
    pub fn built_here(&self) -> PathBuf {
        self.folder.join("built")
    }

    /// Where the files lie that requests bring.
    pub fn uploads(&self) -> PathBuf {
        self.folder.join("uploads")
    }
}

/// A folder of a user by the rules of the desktop: the one that a variable names, or one below the user's own. Neither
/// counts unless it is absolute.
pub fn user_folder(
    variable: Option<OsString>,
    home: Option<OsString>,
    below_home: &str,
) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let below = || Some(home.and_then(absolute)?.join(below_home));
    variable.and_then(absolute).or_else(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_where_the_desktop_says() {
        let check = |cache: Option<&str>, home: Option<&str>, expected: Option<&str>| {
            let found = Home::of_user(cache.map(OsString::from), home.map(OsString::from));
            let found = found.map(|home| home.folder().to_owned());
            assert_eq!(found.as_deref(), expected.map(Path::new));
        };
        check(Some("/c"), Some("/h"), Some("/c/nav"));
        check(Some("c"), Some("/h"), Some("/h/.cache/nav"));
        check(None, Some("/h"), Some("/h/.cache/nav"));
        check(None, Some("h"), None);
        check(None, None, None);
    }
}
