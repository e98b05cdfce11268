//! The engine of the server: models, their queues, batching, instances, statistics.
//!
//! Blocking code lives on threads of the engine's own, one for each instance of a model; whoever asks waits
//! for a [`ReplyFuture`], by polling it or by blocking. Knows no HTTP, gRPC, JSON or protobuf, no executor of
//! futures, and no runner by name.

mod admission;
mod batch;
mod cache;
mod call;
mod core;
mod engine;
mod ensemble;
mod error;
mod executor;
mod filling;
mod gather;
mod health;
mod histogram;
mod instance;
mod job;
mod lanes;
mod limits;
mod load_error;
mod model;
mod options;
mod order;
mod owner;
mod quarantine;
mod queue;
mod registry;
mod reply;
mod request;
mod response;
mod runner_backend;
mod scatter;
mod sequence;
mod statistics;
mod supervisor;
mod sync;
mod waiting;
mod warm_up;

pub use batch::{Batch, Responder};
pub use cache::CacheStatistics;
pub use call::{Call, CallInput};
pub use engine::{Engine, EngineOptions, Retired};
pub use ensemble::{EnsembleError, EnsembleSpec, EnsembleStep};
pub use error::{ErrorKind, FailureReason, InferError};
pub use executor::{Backend, Callable, Executor};
pub use filling::Filling;
pub use health::{Health, InstanceState};
pub use histogram::Histogram;
pub use load_error::ModelError;
pub use model::{About, Model, ModelSpec};
pub use options::{BatchPolicy, ModelOptions, QueuePolicy, TimeoutAction};
pub use owner::Owner;
pub use registry::{IndexEntry, ModelState};
pub use reply::{CancelHandle, Gone, ReplyFuture, ReplyStream};
pub use request::{
    Correlation, CorrelationId, Frames, Input, Parameter, Request, RequestFault, TensorKey,
};
pub use response::{Answer, Response, Timeline};
pub use runner_backend::RunnerBackend;
pub use sequence::{
    Control, ControlInput, Flag, InitialState, SequenceFault, SequencePart, SequencePolicy,
    SequenceTensor, State,
};
// What backends and responses are made of.
pub use nav_runners::{LoadError, Tensor, TensorDesc, with_causes};
pub use statistics::{BatchStatistic, ModelStatistics, ResponseStatistic, Tally};
pub use warm_up::{WarmUp, WarmUpFault, WarmUpSample, WarmUpTensor};
