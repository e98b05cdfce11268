//! ONNX Runtime below the surface of the `ort` crate: a session shared by threads, each with inputs
//! and outputs bound to memory of its own, and outputs handed on without a copy.
//!
//! `ort` runs a session only through `&mut Session`, which would cost each thread a copy of the
//! weights. ONNX Runtime itself documents `Run` as safe to call from several threads.

mod binding;
mod recorded;
mod staging;
mod value;
mod version;

pub use binding::{Binding, HostMemory};
pub use recorded::{Described, Recorded, Recorder};
pub use value::Output;
pub use version::{KnownLibrary, VersionError, library_version};
