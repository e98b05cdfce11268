//! Runners: ways to run a model in this process. One file each, listed in [`RUNNERS`].
//!
//! Knows no async, no other process, no archive and no environment variable.

pub mod error;
pub mod handle;
pub mod hindrance;
pub mod input;
pub mod library;
pub mod onnx_cpu;
pub mod onnx_cuda;
pub mod onnx_tensorrt;
pub mod onnxruntime;
pub mod runner;
pub mod tensor;
#[cfg(feature = "tract")]
pub mod tract_cpu;

pub use nav_native::{cuda, gpu, monitor};

pub use error::{LoadError, RunError, with_causes};
pub use handle::{NamedOutputs, RunnerHandle};
pub use hindrance::Hindrance;
pub use input::InputError;
pub use library::{Libraries, LibraryError, VendorRuntime};
pub use runner::{Declaration, LoadOptions, Loaded, ModelFile, Probe, Runner, Session};
pub use tensor::{Outputs, Staged, Tensor, TensorDesc};

/// Every in-process runner, in order of preference.
pub const RUNNERS: &[&dyn Runner] = &[
    &onnx_tensorrt::ONNX_TENSORRT,
    &onnx_cuda::ONNX_CUDA,
    &onnx_cpu::OnnxCpu,
    #[cfg(feature = "tract")]
    &tract_cpu::TractCpu,
];
