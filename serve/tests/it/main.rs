//! The server over real sockets: recorded exchanges, faults of clients, overload, shutdown.

mod golden;
mod infer;
mod lifetime;
mod limits;
mod metrics;
mod models;
mod subject;
