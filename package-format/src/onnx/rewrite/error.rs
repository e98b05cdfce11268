//! Why a model cannot be written again.

use std::io;
use std::path::PathBuf;

use crate::file::FileError;
use crate::onnx::{ModelFileError, OnnxError};

/// A model cannot be written again.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// A model is not acceptable.
    #[error(transparent)]
    Model(#[from] ModelFileError),
    /// The model that is to be written again cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The model that is to be written again is not acceptable.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A file cannot be read or written.
    #[error("cannot read or write {path}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
