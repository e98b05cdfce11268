//! The server over real sockets: recorded exchanges, faults of clients, overload, shutdown.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

mod generate;
mod golden;
mod grpc_golden;
mod grpc_shared_memory;
mod infer;
mod lifetime;
mod limits;
mod metrics;
mod models;
mod objects;
mod rpc;
mod secure;
mod shared_memory;
mod subject;
mod tracing;
