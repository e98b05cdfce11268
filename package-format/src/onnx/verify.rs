//! The one way from a file to facts: what runners and `inspect` call before anyone else reads a model.

use std::fs::File;
use std::path::Path;

use super::error::OnnxError;
use super::external::{ExternalDataError, ExternalFault, ModelFolder, check_external_data};
use super::facts::ModelFacts;
use super::limits::Limits;
use super::read::read;
use crate::file::{self, FileError};

/// Why a model file must not be handed to a runtime.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// The file cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not an acceptable model.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The model's folder cannot be opened.
    #[error("cannot open the model's folder")]
    Folder(#[source] ExternalFault),
    /// The model's external data is not acceptable.
    #[error(transparent)]
    External(#[from] ExternalDataError),
}

impl ModelFileError {
    /// Whether the model is at fault, rather than the machine that reads it or the path given.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::File(_) | Self::Folder(_) => false,
            Self::Onnx(error) => error.is_integrity(),
            Self::External(error) => error.is_integrity(),
        }
    }
}

/// Checks a model and all files it refers to, and tells what it is.
pub fn verify(path: &Path) -> Result<ModelFacts, ModelFileError> {
    let (file, _) = file::open(path)?;
    verify_open(&file, path)
}

/// The same for a file that is open already; its path tells where external data may be.
pub fn verify_open(file: &File, path: &Path) -> Result<ModelFacts, ModelFileError> {
    let model = read(file, &Limits::default())?;
    // The folder is of interest only to models that refer to it.
    let files = if model.tensors().any(|tensor| tensor.external) {
        let folder = ModelFolder::of(path).map_err(ModelFileError::Folder)?;
        check_external_data(&folder, &model)?
    } else {
        Vec::new()
    };
    Ok(ModelFacts::new(&model, files)?)
}
