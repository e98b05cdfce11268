//! What programs use: a runner out of a package, functions and runners bound to a server, a server without
//! sockets.
//!
//! Puts together what the crates below it do, and decides nothing about requests.

mod array;
mod callable;
mod config;
mod failure;
mod infer_func;
pub mod opening;

pub use array::{Array, ArrayError};
pub use callable::{Answer, Answers, Context, Infer, Inputs, Outputs, Request, Round, Stream};
pub use config::{
    DynamicBatcher, ModelConfig, ModelFault, ModelWarmup, QueuePolicy, Tensor, TimeoutAction,
    WarmupInput,
};
pub use failure::Failure;
pub use infer_func::InferFunc;
// What all of these are made of.
pub use nav_engine::{Correlation, CorrelationId, ErrorKind, Parameter};
pub use nav_package_format::{DType, Element, Shape};
