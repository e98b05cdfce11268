//! Why a package cannot be read or written.

use std::io;
use std::path::PathBuf;

use crate::archive::ArchiveError;
use crate::cache::CacheError;
use crate::file::FileError;
use crate::numpy::NumpyError;
use crate::package::manifest::ManifestError;
use crate::package::model_navigator::StatusError;

/// Why a package cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no archive that is acceptable.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Neither this program nor Model Navigator wrote it.
    #[error("there is neither nav/manifest.json nor status.yaml in it, so it is no package")]
    NoManifest,
    /// Its manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Model Navigator's record in it cannot be used.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// Samples in it cannot be read or written.
    #[error("cannot read the samples in {entry}")]
    Samples {
        /// The file in the package.
        entry: String,
        /// What is wrong.
        source: NumpyError,
    },
    /// A variant has no files.
    #[error("the package holds no model of `{variant}`")]
    NoModel {
        /// The variant.
        variant: String,
    },
    /// The cache that files are opened into cannot be used.
    #[error(transparent)]
    Cache(Box<CacheError>),
    /// A file that was to be packed cannot be opened.
    #[error(transparent)]
    Source(#[from] FileError),
    /// A file that was to be packed cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file changed while it was packed.
    #[error("{path} changed while it was packed", path = .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl From<CacheError> for PackageError {
    fn from(error: CacheError) -> Self {
        Self::Cache(Box::new(error))
    }
}

impl PackageError {
    /// Whether the package is at fault, rather than the path or the machine.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Archive(error) => error.is_integrity(),
            Self::Cache(error) => error.is_integrity(),
            Self::Source(_) | Self::Read { .. } | Self::Changed { .. } => false,
            Self::NoManifest
            | Self::Manifest(_)
            | Self::Status(_)
            | Self::Samples { .. }
            | Self::NoModel { .. } => true,
        }
    }
}
