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
use crate::grpc::Edge;
use crate::options::ServerOptions;
use crate::state::{Budget, State};
use crate::stop::Stopper;
use crate::{connections, http, metrics};

/// How long connections may take to end when every request was answered.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server whose sockets are bound. It answers once it runs.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    state: Arc<State>,
    http: TcpListener,
    grpc: Option<TcpListener>,
    metrics: Option<TcpListener>,
    stopper: Stopper,
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
    /// The system gives no threads, or no signals.
    #[error("cannot start")]
    Start(#[from] io::Error),
}

impl Server {
    /// Binds the sockets. The models of the engine should be loaded by now.
    pub fn bind(engine: Engine, options: ServerOptions) -> Result<Self, ServeError> {
        let bind = |port| {
            let address = SocketAddr::new(options.host, port);
            let bound = TcpListener::bind(address);
            let listener = bound.map_err(|source| ServeError::Bind { address, source })?;
            listener.set_nonblocking(true)?;
            Ok::<_, ServeError>(listener)
        };
        Ok(Self {
            http: bind(options.http_port)?,
            grpc: options.grpc_port.map(bind).transpose()?,
            metrics: options.metrics_port.map(bind).transpose()?,
            state: Arc::new(State {
                engine,
                access: options.access.clone(),
                limits: options.limits,
                bodies: Budget::new(options.limits.bodies),
                is_stopping: AtomicBool::new(false),
            }),
            stopper: Stopper::new(),
            options,
        })
    }

    /// Where it answers over HTTP.
    pub fn http_address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Where it answers over gRPC, if it does.
    pub fn grpc_address(&self) -> io::Result<Option<SocketAddr>> {
        self.grpc.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Where it gives metrics, if it does.
    pub fn metrics_address(&self) -> io::Result<Option<SocketAddr>> {
        let listener = self.metrics.as_ref();
        listener.map(TcpListener::local_addr).transpose()
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Answers until it is stopped. `started` is called when it answers.
    pub fn run(self, started: impl FnOnce()) -> Result<Ended, ServeError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(self.options.threads.max(1))
            .max_blocking_threads(16)
            .thread_name("nav-serve")
            .enable_all()
            .build()?;
        let ended = self.serve(&runtime, started);
        // Whatever still runs has nobody left to answer.
        runtime.shutdown_background();
        ended
    }

    /// Begins to answer on every port, until `closed`.
    fn open(self, closed: &watch::Receiver<bool>) -> Result<Vec<JoinHandle<()>>, ServeError> {
        let mut edges = Vec::new();
        let port = |listener, protocols| {
            Ok::<_, ServeError>(Port {
                listener: tokio::net::TcpListener::from_std(listener)?,
                limits: self.options.limits,
                protocols,
            })
        };
        let state = Arc::clone(&self.state);
        let answer = move |request| http::answer(Arc::clone(&state), request);
        let edge = connections::serve(port(self.http, Protocols::Any)?, answer, closed.clone());
        edges.push(tokio::spawn(edge));
        if let Some(listener) = self.grpc {
            let coding = self.options.grpc_compression;
            let grpc = Arc::new(Edge::new(Arc::clone(&self.state), coding, closed.clone()));
            let answer = move |request| Arc::clone(&grpc).answer(request);
            let port = port(listener, Protocols::Http2)?;
            edges.push(tokio::spawn(connections::serve(
                port,
                answer,
                closed.clone(),
            )));
        }
        if let Some(listener) = self.metrics {
            let state = Arc::clone(&self.state);
            let answer = move |request| {
                let answer = metrics::answer(&state, &request);
                async move { answer }
            };
            let port = port(listener, Protocols::Any)?;
            edges.push(tokio::spawn(connections::serve(
                port,
                answer,
                closed.clone(),
            )));
        }
        Ok(edges)
    }

    fn serve(self, runtime: &Runtime, started: impl FnOnce()) -> Result<Ended, ServeError> {
        let stopper = self.stopper.clone();
        let shared = Arc::clone(&self.state);
        let engine = self.state.engine.clone();
        let drain = self.options.drain;
        let (closing, closed) = watch::channel(false);
        let edges = {
            let _entered = runtime.enter();
            if self.options.signals {
                stopper.watch_signals()?;
            }
            self.open(&closed)?
        };
        started();
        runtime.block_on(async {
            stopper.asked(1).await;
            shared.is_stopping.store(true, Ordering::Release);
            let ending = async {
                let until = Instant::now() + drain;
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
                if drained.unwrap_or(false) && parted {
                    Ended::Drained
                } else {
                    Ended::Late
                }
            };
            Ok(tokio::select! {
                ended = ending => ended,
                () = stopper.asked(2) => Ended::AtOnce,
            })
        })
    }
}
