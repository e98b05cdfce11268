//! Where the server listens, and how much it lets clients do.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use crate::access::AccessPolicy;
use crate::compression::Coding;
use crate::forward::HeaderPattern;
use crate::metrics::ReadGpus;
use crate::shared_memory::SharedMemoryOptions;
use crate::tls::TlsOptions;
use crate::trace::TraceOptions;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// What clients are told that it is called.
    pub name: String,
    /// How it is reached over HTTP; `None` for not at all. Only this machine reaches the default.
    pub http: Option<Endpoint>,
    /// How it is reached over gRPC; `None` for not at all. Only this machine reaches the default.
    pub grpc: Option<Endpoint>,
    /// How answers over gRPC are compressed, where clients take that.
    pub grpc_compression: Option<Coding>,
    /// Where it gives metrics, to everybody who reaches that; `None` for no metrics. Any port that is free for port 0.
    pub metrics: Option<SocketAddr>,
    /// Whether metrics tell of the machine, too.
    pub machine_metrics: bool,
    /// Who sees graphics processors, so that metrics tell of them; `None` for not.
    pub gpus: Option<Arc<dyn ReadGpus>>,
    /// How often they are looked at.
    pub gpus_every: Duration,
    /// Whether it is ready only while all models are, rather than as soon as it answers.
    pub strict_readiness: bool,
    /// How many threads serve sockets. Half as many as there are processors, and not more than 8, unless said
    /// otherwise: models need the others, and threads that have nothing to do take work from each other.
    pub threads: usize,
    /// How long requests in flight may take to end when the server stops.
    pub drain: Duration,
    /// How long a model may be not ready before the server ends; for ever when there is no limit.
    pub unready: Option<Duration>,
    /// Whether the termination signals of the system stop it.
    pub signals: bool,
    /// Where traces go, and what is traced.
    pub trace: TraceOptions,
    /// Whether sequences belong to the connection that began them: requests of others that name them are refused, and
    /// they end with it. Otherwise everybody who knows the name of a sequence goes on with it, as clients with several
    /// connections do.
    pub own_sequences: bool,
    /// Which memory clients share with the server; `None` for none at all.
    pub shared_memory: Option<SharedMemoryOptions>,
    /// What clients may take.
    pub limits: Limits,
}

/// How a server is reached over one protocol.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens; any port that is free for port 0.
    pub address: SocketAddr,
    /// How connections are kept from others.
    pub tls: Option<TlsOptions>,
    /// Who may do what.
    pub access: AccessPolicy,
    /// Which headers travel on to models.
    pub forward: Option<HeaderPattern>,
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
            name: "nav".to_owned(),
            http: Some(Endpoint::new(local(8000))),
            grpc: Some(Endpoint::new(local(8001))),
            grpc_compression: None,
            metrics: Some(local(8002)),
            machine_metrics: true,
            gpus: None,
            gpus_every: Duration::from_secs(2),
            strict_readiness: true,
            threads: socket_threads(),
            drain: Duration::from_secs(30),
            unready: Some(Duration::from_mins(5)),
            signals: false,
            trace: TraceOptions::default(),
            own_sequences: false,
            shared_memory: None,
            limits: Limits::default(),
        }
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl ServerOptions {
    /// The same, with this done to how it is reached over each protocol.
    #[must_use]
    pub fn everywhere(mut self, change: impl Fn(&mut Endpoint)) -> Self {
        for endpoint in [&mut self.http, &mut self.grpc].into_iter().flatten() {
            change(endpoint);
        }
        self
    }
}

impl Endpoint {
    /// Without encryption at this address, managed by nobody.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            access: AccessPolicy::default(),
            forward: None,
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
