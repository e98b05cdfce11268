//! Connections: accepted one by one within a limit, each served until it ends or the server does.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use nav_engine::Owner;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::activity::{Activity, Watched};
use crate::options::Limits;
use crate::tls::Tls;

/// How long to wait after the system had no more descriptors.
const BREATH: Duration = Duration::from_millis(20);

/// How many requests one connection may have in flight over HTTP/2.
const STREAMS: u32 = 256;

/// How many requests a client may take back before they were looked at, and after something was wrong with them,
/// until its connection is closed.
const RESETS: (usize, usize) = (20, 256);

/// How many bytes wait for whoever reads them, for one request and in all of a connection. A connection is closed
/// when small frames that wait take more memory than half of the latter, so that a stream of small messages, which
/// waits for its models, must not come near it.
const WINDOWS: (u32, u32) = (512 << 10, 8 << 20);

/// The protocols of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocols {
    /// HTTP/1 and HTTP/2, whichever a client begins with.
    Any,
    /// HTTP/2.
    Http2,
}

/// A port, and what it lets clients do.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) limits: Limits,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) protocols: Protocols,
    /// Whether sequences belong to the connection that began them.
    pub(crate) own_sequences: bool,
}

/// A connection, as it is or secured.
type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Serves every connection with `answer`, until told to stop; then waits until they have ended.
pub(crate) async fn serve<A, F, B>(port: Port, answer: A, mut stopped: watch::Receiver<bool>)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let Port {
        listener,
        limits,
        tls,
        protocols,
        own_sequences,
    } = port;
    let slots = Arc::new(Semaphore::new(limits.connections));
    let builder = builder(limits, protocols);
    let graceful = GracefulShutdown::new();
    loop {
        let accept = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            accepted = accept => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, _)) = accepted else {
            // A connection that is gone already, or no descriptors: neither is a reason to end.
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let (builder, answer, tls) = (builder.clone(), answer.clone(), tls.clone());
        let watcher = graceful.watcher();
        let mut stopping = stopped.clone();
        let limit = limits.head_time;
        tokio::spawn(async move {
            let activity = Arc::new(Activity::default());
            let agreed = tokio::select! {
                agreed = agree(stream, tls.as_deref(), limit) => agreed,
                _ = stopping.wait_for(|stopping| *stopping) => None,
            };
            if let Some(stream) = agreed {
                let answer = from(own_sequences.then(Owner::default), answer);
                let connection = connection(&builder, stream, answer, Arc::clone(&activity));
                // Whatever ends a connection concerns its client only.
                tokio::select! {
                    _ = watcher.watch(connection) => {}
                    () = activity.idle(limit) => {}
                }
            }
            drop(slot);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The connection when both sides have agreed on how to keep others out, if they must.
async fn agree(stream: TcpStream, tls: Option<&Tls>, limit: Duration) -> Option<Stream> {
    // Answers are written whole, so that there is nothing to wait for.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else {
        return Some(Either::Left(stream));
    };
    let agreed = tokio::time::timeout(limit, tls.accept(stream)).await;
    Some(Either::Right(agreed.ok()?.ok()?))
}

/// Tells of each request whose sequences it may go on with.
fn from<F>(
    owner: Option<Owner>,
    answer: impl Fn(Request<Incoming>) -> F,
) -> impl Fn(Request<Incoming>) -> F {
    move |mut request| {
        if let Some(owner) = &owner {
            request.extensions_mut().insert(owner.clone());
        }
        answer(request)
    }
}

fn builder(limits: Limits, protocols: Protocols) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if protocols == Protocols::Http2 {
        builder = builder.http2_only();
    }
    // Answers to pipelined requests are not gathered before they are written (`pipeline_flush`): hyper would then copy
    // every body into one buffer, and take from a stream without bound while its client reads nothing.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS.0)
        .max_local_error_reset_streams(RESETS.1)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.head_time);
    match protocols {
        Protocols::Any => builder.http2().adaptive_window(true),
        Protocols::Http2 => builder
            .http2()
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1),
    };
    builder
}

fn connection<A, F, B>(
    builder: &Builder<TokioExecutor>,
    stream: Stream,
    answer: A,
    activity: Arc<Activity>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error: std::fmt::Debug> + Send + 'static
where
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |request| {
        let running = activity.begin();
        let activity = Arc::clone(&activity);
        // Only a pointer to it is moved from here on.
        let answer = Box::pin(answer(request));
        async move {
            let answer = answer.await;
            drop(running);
            Ok::<_, Infallible>(answer.map(|body| Watched::new(body, activity)))
        }
    });
    builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned()
}
