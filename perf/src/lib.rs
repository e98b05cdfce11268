//! Load for a server of the KServe v2 protocol, or for a model in this process, and what came of it.
//!
//! Requests are made once, as the bytes that travel, and sent by an event loop of few system calls, so that what is
//! measured is the server. Knows the protocol as a client does; knows no server of ours, makes no data, prints nothing.

mod answer;
mod ask;
mod call;
mod describe;
mod drive;
mod error;
mod failure;
mod grpc;
mod host;
mod http;
mod in_process;
mod load;
mod measure;
mod tally;
mod target;
mod tls;

pub use call::{Call, Parameter};
pub use describe::{Described, ServerSide, describe, statistics};
pub use error::PerfError;
pub use failure::{Failed, Failure};
pub use host::{ProcessUse, listener_of};
pub use in_process::{InProcess, statistics_of};
pub use load::{Arrivals, Load};
pub use measure::{
    Ended, Generator, Level, Limit, Options, Uncertainty, measure, measure_in_process,
};
pub use tally::{FailureTally, Latencies};
pub use target::{Protocol, Target};
pub use tls::{TlsError, TlsOptions};
