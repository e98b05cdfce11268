//! Where the server listens, and how much it lets clients do.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZero;
use std::time::Duration;

use crate::access::AccessPolicy;
use crate::compression::Coding;
use crate::forward::HeaderPattern;
use crate::shared_memory::SharedMemoryOptions;
use crate::tls::TlsOptions;
use crate::trace::TraceOptions;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens. Only this machine reaches the default.
    pub host: IpAddr,
    /// The port for HTTP; 0 for any that is free.
    pub http_port: u16,
    /// The port for gRPC; 0 for any that is free, `None` for no gRPC.
    pub grpc_port: Option<u16>,
    /// How answers over gRPC are compressed, where clients take that.
    pub grpc_compression: Option<Coding>,
    /// The port for metrics; 0 for any that is free, `None` for no metrics.
    pub metrics_port: Option<u16>,
    /// How many threads serve sockets. Half as many as there are processors, and not more than 8, unless said
    /// otherwise: models need the others, and threads that have nothing to do take work from each other.
    pub threads: usize,
    /// How long requests in flight may take to end when the server stops.
    pub drain: Duration,
    /// How long a model may be not ready before the server ends; for ever when there is no limit.
    pub unready: Option<Duration>,
    /// Whether the termination signals of the system stop it.
    pub signals: bool,
    /// How connections are kept from others, but for those of metrics.
    pub tls: Option<TlsOptions>,
    /// Who may do what.
    pub access: AccessPolicy,
    /// Where traces go, and what is traced.
    pub trace: TraceOptions,
    /// Which memory clients share with the server; `None` for none at all.
    pub shared_memory: Option<SharedMemoryOptions>,
    /// Which headers travel on to models.
    pub forward: Option<HeaderPattern>,
    /// What clients may take.
    pub limits: Limits,
}

/// What clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections, on each port.
    pub connections: usize,
    /// The most bytes of a body, as it is sent and as it is when it is decompressed.
    pub body: usize,
    /// The most bytes that bodies may hold while they arrive, in all connections together.
    pub bodies: usize,
    /// The most pieces of a body.
    pub frames: usize,
    /// The most bytes of the head of a request.
    pub head: usize,
    /// How long a connection may take to send the head of its next request; an idle one is closed then.
    pub head_time: Duration,
    /// How long a connection may pause within a body.
    pub pause: Duration,
    /// How long a body may take in all.
    pub body_time: Duration,
}

/// The most threads that serve sockets by themselves.
const MOST_SOCKET_THREADS: usize = 8;

fn socket_threads() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (processors / 2).clamp(1, MOST_SOCKET_THREADS)
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            http_port: 8000,
            grpc_port: Some(8001),
            grpc_compression: None,
            metrics_port: Some(8002),
            threads: socket_threads(),
            drain: Duration::from_secs(30),
            unready: Some(Duration::from_mins(5)),
            signals: false,
            tls: None,
            access: AccessPolicy::default(),
            trace: TraceOptions::default(),
            shared_memory: None,
            forward: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            body: 64 << 20,
            bodies: 1 << 30,
            frames: 1 << 16,
            head: 64 << 10,
            head_time: Duration::from_mins(1),
            pause: Duration::from_secs(30),
            body_time: Duration::from_mins(5),
        }
    }
}
