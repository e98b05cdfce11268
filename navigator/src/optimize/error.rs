//! Why an optimization came to nothing. That no candidate was good enough is no error but an outcome.

use std::path::PathBuf;

use nav_package_format::numpy::NumpyError;

use crate::plan::PlanError;
use crate::samples::{MakeError, SampleError};
use crate::workspace::WorkspaceError;

/// Why an optimization came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum OptimizeError {
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The user's samples cannot be used.
    #[error(transparent)]
    Samples(#[from] SampleError),
    /// No inputs can be made.
    #[error("no sample inputs can be made")]
    Inputs(#[from] MakeError),
    /// There is no folder to work in.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Tensors cannot be written.
    #[error("cannot write {path}", path = .path.display())]
    Tensors {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: NumpyError,
    },
}
