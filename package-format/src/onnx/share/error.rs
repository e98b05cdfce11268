//! Why weights cannot be shared.

use std::io;
use std::path::PathBuf;

use crate::file::FileError;
use crate::onnx::{ModelFileError, OnnxError};

/// Weights cannot be shared.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The model that has the weights is not acceptable.
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
