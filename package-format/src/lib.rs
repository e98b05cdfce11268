//! What a model and a package are, as plain data: element types, shapes, signatures, model files.
//!
//! A leaf of the workspace. It knows no runner, no process, no network and no clock.

pub mod archive;
pub mod cache;
pub mod digest;
pub mod dtype;
pub mod element;
pub mod file;
pub mod format;
pub mod numpy;
pub mod onnx;
pub mod package;
pub mod settings;
pub mod shape;
pub mod signature;
pub mod signing;
pub mod strings;
pub mod tensor_data;
pub mod torchscript;
pub mod trust;

pub use digest::{Digest, Hasher};
pub use dtype::DType;
pub use element::{Element, ElementsError};
pub use format::{Format, TrustClass};
pub use settings::{Device, ExecutionMode, GraphLevel, RunnerSettings};
pub use shape::{Shape, ShapeError};
pub use signature::{Dim, Signature, TensorSpec};
pub use tensor_data::{TensorData, TensorDataError, TensorView};
