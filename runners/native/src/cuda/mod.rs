//! The driver of NVIDIA GPUs: devices, host memory that they read and write directly, memory of their own, and streams.
//!
//! All of it goes through `libcuda.so.1`, which comes with the driver and is opened by absolute path when it is first asked for.
//! A host without a driver is a plain [`CudaError::NoDriver`]. It knows no runtime and no model.

mod context;
mod driver;
mod error;
mod functions;
mod graph;
mod memory;
mod stream;

pub use context::{Context, DeviceMemory};
pub use driver::{DeviceFacts, Driver};
pub use error::CudaError;
pub use graph::Graph;
pub use memory::{DeviceBuffer, PinnedBuffer};
pub use stream::{Queue, Stream};

#[cfg(test)]
mod tests;
