//! The edges of the server: sockets, HTTP routes, metrics, shutdown.
//!
//! Knows requests and answers as they travel, and an engine that takes them. Knows no runner by name, prints
//! nothing and reads no environment.

mod catalog;
mod connections;
mod http;
mod metrics;
mod options;
mod server;
mod state;
mod stop;
mod wire;

pub use catalog::{Catalog, ModelFacts};
pub use options::{Limits, ServerOptions};
pub use server::{Ended, ServeError, Server};
pub use stop::Stopper;
