//! The only crate with unsafe code: memory with an alignment or shared with another process, bounds around a child, and the
//! calls into vendor libraries that have no safe form. It shows a safe surface and knows no runner.

pub mod aligned;
pub mod confine;
pub mod cuda;
pub mod ending;
pub mod environment;
pub mod gpu;
pub mod library;
pub mod monitor;
pub mod onnxruntime;
pub mod shared_memory;
