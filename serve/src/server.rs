//! The server: sockets bound, served until it is stopped, drained.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nav_engine::Engine;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connections::{Port, Protocols};
use crate::contain::Panics;
use crate::grpc::Edge;
use crate::log::{Log, Pace};
use crate::metrics::{Gpus, Processors};
use crate::options::{Endpoint, ServerOptions};
use crate::probe::ReadinessProbe;
use crate::readiness::Readiness;
use crate::repository::Repository;
use crate::shared_memory::Regions;
use crate::state::{Budget, Rules, State};
use crate::stop::Stopper;
use crate::tls::{Tls, TlsError};
use crate::trace::{TraceError, Tracer};
use crate::{connections, http, metrics, watchdog};

/// How long connections may take to end when every request was answered.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server whose sockets are bound. It answers once it runs.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    state: Arc<State>,
    sockets: Sockets,
    stopper: Stopper,
    runtime: Runtime,
}

/// Where it listens.
#[derive(Debug)]
struct Sockets {
    http: Option<Socket>,
    grpc: Option<Socket>,
    metrics: Option<Socket>,
}

/// A socket, and what keeps its connections from others.
#[derive(Debug)]
struct Socket {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every request was answered.
    Drained,
    /// Some were turned away, because their time was over.
    Late,
    /// It was told to end at once.
    AtOnce,
    /// A model was not ready for longer than that is borne.
    Unready,
}

/// Why a server cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A socket cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// Connections cannot be made secure.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Traces cannot go where they should.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Clients are to share memory, and the system has no place for it.
    #[error("cannot open /dev/shm, where clients share memory")]
    SharedMemory(#[source] io::Error),
    /// The system gives no threads, or no signals.
    #[error("cannot start")]
    Start(#[from] io::Error),
}

impl Server {
    /// Binds the sockets. The models of the engine should be loaded by now.
    pub fn bind(engine: Engine, log: &Log, options: ServerOptions) -> Result<Self, ServeError> {
        Self::bound((engine, None), log, options)
    }

    /// The same for a repository, whose models clients may load and unload if it says so.
    pub fn bind_repository(
        repository: Repository,
        log: &Log,
        options: ServerOptions,
    ) -> Result<Self, ServeError> {
        let engine = repository.engine().clone();
        Self::bound((engine, Some(repository)), log, options)
    }

    fn bound(
        (engine, repository): (Engine, Option<Repository>),
        log: &Log,
        options: ServerOptions,
    ) -> Result<Self, ServeError> {
        let reached = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(Socket::of).transpose();
        let runtime = Builder::new_multi_thread()
            .worker_threads(options.threads.max(1))
            .max_blocking_threads(16)
            .thread_name("nav-serve")
            .enable_all()
            .build()?;
        let tracer = {
            // The connection to a collector lives where the sockets do.
            let _entered = runtime.enter();
            Tracer::new(&options.trace)?
        };
        // Nobody would be told.
        let seen = options.gpus.clone().filter(|_| options.metrics.is_some());
        let gpus = seen.map(|gpus| Gpus::watch(gpus, options.gpus_every));
        let gpus = gpus.transpose()?;
        let regions = options.shared_memory.as_ref().map(Regions::new);
        let regions = regions.transpose().map_err(io::Error::from);
        let regions = regions.map_err(ServeError::SharedMemory)?;
        Ok(Self {
            sockets: Sockets {
                http: reached(&options.http)?,
                grpc: reached(&options.grpc)?,
                metrics: options.metrics.map(Socket::bind).transpose()?,
            },
            state: Arc::new(State {
                engine,
                repository,
                name: options.name.clone(),
                http: Rules::of(options.http.as_ref()),
                grpc: Rules::of(options.grpc.as_ref()),
                strict_readiness: options.strict_readiness,
                regions,
                limits: options.limits,
                bodies: Budget::new(options.limits.bodies),
                log: log.clone(),
                tracer,
                faults: Pace::default(),
                processors: options.machine_metrics.then(Processors::default),
                gpus,
                panics: Panics::default(),
                is_stopping: AtomicBool::new(false),
            }),
            stopper: Stopper::new(runtime.handle().clone()),
            options,
            runtime,
        })
    }

    /// Where it answers over HTTP, if it does.
    pub fn http_address(&self) -> io::Result<Option<SocketAddr>> {
        Socket::address(self.sockets.http.as_ref())
    }

    /// Where it answers over gRPC, if it does.
    pub fn grpc_address(&self) -> io::Result<Option<SocketAddr>> {
        Socket::address(self.sockets.grpc.as_ref())
    }

    /// Where it gives metrics, if it does.
    pub fn metrics_address(&self) -> io::Result<Option<SocketAddr>> {
        Socket::address(self.sockets.metrics.as_ref())
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What tells whether it is ready.
    pub fn readiness(&self) -> ReadinessProbe {
        ReadinessProbe::of(&self.state)
    }

    /// Answers until it is stopped. `started` is called when it answers.
    pub fn run(self, started: impl FnOnce()) -> Result<Ended, ServeError> {
        let Self {
            options,
            state,
            sockets,
            stopper,
            runtime,
        } = self;
        let ended = runtime.block_on(serve((&options, &state), sockets, &stopper, started));
        // Whatever still runs has nobody left to answer, and may hold the state for a moment longer.
        runtime.shutdown_background();
        if let Some(repository) = &state.repository {
            repository.leave();
        }
        ended
    }
}

/// Serves until it is told to stop, and then until everything is answered.
async fn serve(
    (options, state): (&ServerOptions, &Arc<State>),
    sockets: Sockets,
    stopper: &Stopper,
    started: impl FnOnce(),
) -> Result<Ended, ServeError> {
    if options.signals {
        stopper.watch_signals()?;
    }
    let secured = [&sockets.http, &sockets.grpc].into_iter().flatten();
    let secured: Vec<Arc<Tls>> = secured.filter_map(|it| it.tls.clone()).collect();
    let (closing, closed) = watch::channel(false);
    let readiness = Readiness::new(Arc::clone(state));
    let known = readiness.subscribe();
    let edges = sockets.open((state, &readiness), options, &closed)?;
    let pause = watchdog::pause(options.unready);
    // It ends with the runtime.
    drop(tokio::spawn(Arc::clone(&readiness).keep_looking(pause)));
    for tls in secured {
        // It ends with the runtime.
        drop(tokio::spawn(tls.renew(state.log.clone())));
    }
    started();
    let is_ill = tokio::select! {
        () = stopper.asked(1) => false,
        () = watchdog::watch(state, known, options.unready) => true,
    };
    state.is_stopping.store(true, Ordering::Release);
    readiness.look();
    let ending = async {
        let until = Instant::now() + options.drain;
        let engine = state.engine.clone();
        // Sockets stay open meanwhile, so that clients are told what is going on.
        let drained = tokio::task::spawn_blocking(move || engine.shut_down(until)).await;
        closing.send_replace(true);
        let farewell = async {
            for edge in edges {
                // An edge that failed has no connections left.
                drop(edge.await);
            }
        };
        let parted = tokio::time::timeout(FAREWELL, farewell).await.is_ok();
        let traced = Arc::clone(state);
        drop(tokio::task::spawn_blocking(move || traced.tracer.finish()).await);
        if is_ill {
            Ended::Unready
        } else if drained.unwrap_or(false) && parted {
            Ended::Drained
        } else {
            Ended::Late
        }
    };
    Ok(tokio::select! {
        ended = ending => ended,
        () = stopper.asked(if is_ill { 1 } else { 2 }) => Ended::AtOnce,
    })
}

impl Socket {
    fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let bound = TcpListener::bind(address);
        let listener = bound.map_err(|source| ServeError::Bind { address, source })?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            tls: None,
        })
    }

    fn of(endpoint: &Endpoint) -> Result<Self, ServeError> {
        let tls = endpoint.tls.clone().map(Tls::new).transpose()?;
        Ok(Self {
            tls: tls.map(Arc::new),
            ..Self::bind(endpoint.address)?
        })
    }

    fn address(socket: Option<&Self>) -> io::Result<Option<SocketAddr>> {
        socket.map(|it| it.listener.local_addr()).transpose()
    }
}

impl Sockets {
    /// Begins to answer on every port, until `closed`.
    fn open(
        self,
        (state, readiness): (&Arc<State>, &Arc<Readiness>),
        options: &ServerOptions,
        closed: &watch::Receiver<bool>,
    ) -> io::Result<Vec<JoinHandle<()>>> {
        let port = |socket: Socket, protocols| {
            Ok::<_, io::Error>(Port {
                listener: tokio::net::TcpListener::from_std(socket.listener)?,
                limits: options.limits,
                tls: socket.tls,
                protocols,
                own_sequences: options.own_sequences,
            })
        };
        let mut edges = Vec::new();
        if let Some(socket) = self.http {
            let of_http = Arc::clone(state);
            let answer = move |request| http::answer(Arc::clone(&of_http), request);
            let bound = port(socket, Protocols::Any)?;
            edges.push(tokio::spawn(connections::serve(
                bound,
                answer,
                closed.clone(),
            )));
        }
        if let Some(socket) = self.grpc {
            let coding = options.grpc_compression;
            let told = (Arc::clone(state), Arc::clone(readiness));
            let grpc = Arc::new(Edge::new(told, coding, closed.clone()));
            let answer = move |request| Arc::clone(&grpc).answer(request);
            let bound = port(socket, Protocols::Http2)?;
            edges.push(tokio::spawn(connections::serve(
                bound,
                answer,
                closed.clone(),
            )));
        }
        if let Some(socket) = self.metrics {
            let of_metrics = Arc::clone(state);
            let answer = move |request| {
                let answer = metrics::answer(&of_metrics, &request);
                async move { answer }
            };
            let bound = port(socket, Protocols::Any)?;
            edges.push(tokio::spawn(connections::serve(
                bound,
                answer,
                closed.clone(),
            )));
        }
        Ok(edges)
    }
}
