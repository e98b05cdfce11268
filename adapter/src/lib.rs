//! What programs use: a runner out of a package, functions and runners bound to a server, a server without
//! sockets.
//!
//! Puts together what the crates below it do, and decides nothing about requests.

mod alike;
mod array;
mod callable;
mod config;
mod environment;
mod failure;
mod gpus;
mod host;
pub mod in_process;
mod infer_func;
pub mod opening;
mod package;
mod package_adapter;
pub mod runner;
mod triton;
mod wrap;

pub use array::{Array, ArrayError};
pub use callable::{Answer, Answers, Context, Infer, Inputs, Outputs, Request, Round, Stream};
pub use config::{
    DynamicBatcher, ModelConfig, ModelFault, ModelWarmup, QueuePolicy, Tensor, TimeoutAction,
    WarmupInput,
};
pub use environment::Environment;
pub use failure::Failure;
pub use gpus::gpus;
pub use host::{Host, HostError};
pub use in_process::Server;
pub use infer_func::InferFunc;
pub use package::{OpenPackageError, Package};
pub use package_adapter::{AdapterError, PyTritonAdapter};
pub use triton::{
    BindOptions, Compression, ConfigError, Effect, Field, ModelControl, Triton, TritonBuilder,
    TritonConfig, TritonError, TritonSecurityConfig,
};
// What all of these are made of.
pub use nav_engine::{Correlation, CorrelationId, ErrorKind, Parameter};
pub use nav_package_format::package::{
    MaxThroughput, MaxThroughputAndMinLatency, MaxThroughputWithLatencyBudget, MinLatency,
    Percentile, Runtime, SelectedRuntime, Strategy,
};
pub use nav_package_format::trust::TrustPolicy;
pub use nav_package_format::{DType, Device, Element, Shape, TensorData, TensorView};
pub use nav_runners::{RunnerHandle, VendorRuntime};
pub use nav_worker::WorkerCommand;
pub use nav_worker::packaged::{Home, PackagedError};
pub use wrap::{
    ConstantPadder, FirstValue, batch, batch_decoupled, decoupled, fill_optionals, first_value,
    group_by_keys, group_by_values, group_by_values_padded, pad_batch, sample,
};
