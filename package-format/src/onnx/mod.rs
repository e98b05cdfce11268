//! ONNX models as files: what is inside one, told without loading weights and without trusting it.

mod element;
mod error;
mod limits;
mod payload;
pub mod proto;
mod read;
mod scope;
pub mod structure;

pub use element::ElementType;
pub use error::OnnxError;
pub use limits::Limits;
pub use read::read;
pub use scope::Scope;
pub use structure::Model;
