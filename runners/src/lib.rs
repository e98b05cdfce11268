//! Runners: ways to run a model in this process. One file each, listed in [`RUNNERS`].
//!
//! Knows no async, no other process, no archive and no environment variable.

pub mod error;
pub mod input;
pub mod library;
pub mod runner;
pub mod strings;
pub mod tensor;

pub use error::{LoadError, RunError};
pub use input::InputError;
pub use library::{Libraries, VendorRuntime};
pub use runner::{LoadOptions, Loaded, ModelFile, Probe, Runner, Session};
pub use tensor::{Outputs, Staged, Tensor, TensorDesc};

/// Every in-process runner, in order of preference.
pub const RUNNERS: &[&dyn Runner] = &[];
