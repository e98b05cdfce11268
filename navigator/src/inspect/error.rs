//! Why a model could not be inspected, and whether the model or the machine is at fault.

use std::io;
use std::path::PathBuf;

use nav_package_format::file::FileError;
use nav_package_format::onnx::ModelFileError;
use nav_package_format::onnx::external::ExternalFault;
use nav_package_format::torchscript::TorchScriptError;

/// A model that could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The path leads to no file that can be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is of a kind that is not supported.
    #[error("{path} is {kind}, which is not supported", path = .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The content is of no known kind.
    #[error("{path} is no model of a known kind", path = .path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// The file is an ONNX model, or should be one, and is not acceptable.
    #[error("{path} is not an acceptable ONNX model", path = .path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelFileError,
    },
    /// The file is not an acceptable TorchScript archive.
    #[error("{path} is not an acceptable TorchScript archive", path = .path.display())]
    TorchScript {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TorchScriptError,
    },
    /// A file that was checked could not be opened again.
    #[error("cannot open {path} again", path = .path.display())]
    Reopen {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ExternalFault,
    },
    /// Reading failed.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Someone wrote to a file meanwhile.
    #[error("{path} changed while it was read", path = .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl InspectError {
    /// Whether the model's content is at fault, rather than the path, the user's rights or the machine.
    pub const fn is_integrity(&self) -> bool {
        match self {
            Self::Unsupported { .. } | Self::Unknown { .. } => true,
            Self::Onnx { source, .. } => source.is_integrity(),
            Self::TorchScript { source, .. } => source.is_integrity(),
            Self::File(_) | Self::Reopen { .. } | Self::Read { .. } | Self::Changed { .. } => false,
        }
    }
}
