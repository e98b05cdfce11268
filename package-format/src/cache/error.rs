//! Why the cache cannot give a file. Plain data.

use std::io;
use std::path::{Path, PathBuf};

use super::private::PrivateFault;
use crate::Digest;
use crate::archive::{ArchiveError, NameFault};

/// The cache cannot be used, or not filled.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be read or written.
    #[error("the cache at {path} cannot be used", path = .path.display())]
    Io {
        /// The folder, or the file in it.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder is not this user's alone.
    #[error("the cache at {path} is not private: {reason}", path = .path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Who else may use it.
        reason: &'static str,
    },
    /// A name is not one that a file may have.
    #[error("the cache has no place for {name:?}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameFault,
    },
    /// No files were asked for, or two of one name.
    #[error("the cache was asked for {0}")]
    Request(&'static str),
    /// The content could not be had.
    #[error("cannot get {name:?}")]
    Fill {
        /// The file's name.
        name: String,
        /// Why not.
        source: ArchiveError,
    },
    /// The content goes on after the size that was asked for.
    #[error("what was given for {name:?} has more than {bytes} bytes")]
    TooMuch {
        /// The file's name.
        name: String,
        /// The size that was asked for.
        bytes: u64,
    },
    /// The content is not what was asked for.
    #[error(
        "what was given for {name:?} has {found_bytes} bytes of SHA-256 {found}, not {bytes} of {digest}"
    )]
    Content {
        /// The file's name.
        name: String,
        /// The size that was asked for.
        bytes: u64,
        /// The digest that was asked for.
        digest: Digest,
        /// The size that was given.
        found_bytes: u64,
        /// The digest that was given.
        found: Digest,
    },
}

impl CacheError {
    /// The fault of a folder.
    pub(super) fn of_private(path: &Path, fault: PrivateFault) -> Self {
        let path = path.to_owned();
        match fault {
            PrivateFault::Io(source) => Self::Io { path, source },
            PrivateFault::Shared(reason) => Self::NotPrivate { path, reason },
        }
    }

    /// Whether the content is at fault, rather than the folder or the machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::Io { .. } | Self::NotPrivate { .. } | Self::Request(_) => false,
            Self::Fill { source, .. } => source.is_integrity(),
            Self::Name { .. } | Self::TooMuch { .. } | Self::Content { .. } => true,
        }
    }
}
