//! A server in the program itself: the models of a repository, asked without sockets. Tensors are handed over as they
//! lie; the one copy is that into the batch.
//!
//! The same repository, engine and answers as those of a server with sockets; here they only get handles.

mod builder;
mod model;
mod request;
mod response;
mod server;

pub use builder::{ServerBuilder, StartError};
pub use model::Model;
pub use request::InferenceRequest;
pub use response::{AsyncResponses, InferenceResponse, Responses};
pub use server::{Server, Status};
// What all of these speak of.
pub use nav_engine::{CancelHandle, InferError, ModelState, ModelStatistics};
pub use nav_serve::{
    Control, LoadFailure, LoadParameters, Log, ModelMetadata, ParameterError, ParameterValue,
    ServerMetadata, TensorMetadata, UnloadParameters,
};
