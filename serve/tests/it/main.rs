//! The server over real sockets: recorded exchanges, faults of clients, overload, shutdown.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod access;
mod generate;
mod golden;
mod grpc_access;
mod grpc_golden;
mod grpc_health;
mod grpc_infer;
mod grpc_limits;
mod grpc_shared_memory;
mod grpc_stream;
mod infer;
mod lifetime;
mod limits;
mod metrics;
mod models;
mod objects;
mod open_inference;
mod protocols;
mod repository;
mod rpc;
mod secure;
mod sequences;
mod shared_memory;
mod subject;
mod tracing;
