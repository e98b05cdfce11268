//! The edges of the server: sockets, HTTP routes, gRPC methods, metrics, shutdown.
//!
//! Knows requests and answers as they travel, and an engine that takes them. Knows no runner by name, prints
//! nothing and reads no environment.

mod access;
mod aside;
mod compression;
mod connections;
mod describe;
mod facts;
mod grpc;
mod http;
mod metrics;
mod options;
mod proto;
mod refusal;
mod server;
mod state;
mod stop;
mod wire;

pub use access::{AccessPolicy, Credential, Operation, TOKEN_HEADER};
pub use compression::Coding;
pub use facts::ModelFacts;
pub use options::{Limits, ServerOptions};
pub use server::{Ended, ServeError, Server};
pub use stop::Stopper;
