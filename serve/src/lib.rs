//! The edges of the server: sockets, HTTP routes, gRPC methods, metrics, shutdown.
//!
//! Knows requests and answers as they travel, and an engine that takes them. Knows no runner by name, prints
//! nothing and reads no environment.

mod access;
mod activity;
mod aside;
mod compression;
mod connections;
mod contain;
mod describe;
mod facts;
mod forward;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grpc;
mod http;
mod inside;
mod log;
mod metrics;
mod options;
mod probe;
mod proto;
mod readiness;
mod refusal;
mod repository;
mod server;
mod shared_memory;
mod state;
mod stop;
mod tls;
mod trace;
mod watchdog;
mod wire;

pub use access::{AccessPolicy, AccessRule, Credential, Operation, RuleError, TOKEN_HEADER};
pub use compression::Coding;
pub use facts::{Configured, ModelFacts};
pub use forward::{HeaderPattern, PatternError};
pub use inside::{Metrics, ModelMetadata, ServerMetadata, TensorMetadata};
pub use log::{Level, Log, LogFormat, LogSettings, SettingValue, TimeFormat};
pub use metrics::{GpuReading, ReadGpus};
pub use options::{Endpoint, Limits, ServerOptions};
pub use probe::ReadinessProbe;
pub use repository::{
    BackendFacts, ConfigError, Control, IndexedModel, LoadFailure, LoadParameters, ModelOpener,
    OpenError, Opened, ParameterError, ParameterValue, Placement, Repository, RepositoryError,
    RepositoryOptions, Source, SourceError, Startup, UnloadParameters, VersionFailure, Wanted,
    is_model_name,
};
pub use server::{Ended, ServeError, Server};
pub use shared_memory::SharedMemoryOptions;
pub use stop::Stopper;
pub use tls::{TlsError, TlsOptions};
pub use trace::{TraceError, TraceOptions, TraceSettings};
