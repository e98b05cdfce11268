//! ONNX models as files: what is inside one, told without loading weights and without trusting it.

pub mod build;
mod element;
mod error;
pub mod external;
mod facts;
mod index_bounds;
mod limits;
mod operators;
mod parameters;
mod payload;
pub mod proto;
mod read;
mod rewrite;
mod scope;
pub mod structure;
mod verify;
mod width;

pub use element::ElementType;
pub use error::OnnxError;
pub use external::{ExternalFile, check_external_data};
pub use facts::{ModelFacts, OtherValue};
pub use limits::Limits;
pub use operators::OperatorCount;
pub use parameters::{ParameterCount, Parameters};
pub use read::read;
pub use rewrite::{RewriteError, Shared, Weight, keep_inputs, share_weights, weights_of};
pub use scope::Scope;
pub use structure::Model;
pub use verify::{ModelFileError, verify, verify_open};
