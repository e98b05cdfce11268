//! Connections: accepted one by one within a limit, each served until it ends or the server does.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::options::Limits;

/// How long to wait after the system had no more descriptors.
const BREATH: Duration = Duration::from_millis(20);

/// How many requests one connection may have in flight over HTTP/2.
const STREAMS: u32 = 256;

/// How many requests a client may take back before they were looked at, and after something was wrong with them,
/// until its connection is closed.
const RESETS: (usize, usize) = (20, 256);

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
    pub(crate) protocols: Protocols,
}

/// What goes on in a connection.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicUsize,
    running: AtomicUsize,
}

/// A request that runs, until it is dropped.
struct Running(Arc<Activity>);

impl Activity {
    fn begin(self: &Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// Waits until nothing ran and nothing began for this long, whether the client says nothing, says it too
    /// slowly, or does not take its answer.
    async fn idle(&self, limit: Duration) {
        let mut seen = 0;
        loop {
            tokio::time::sleep(limit).await;
            let begun = self.begun.load(Ordering::Relaxed);
            if self.running.load(Ordering::Relaxed) == 0 && begun == seen {
                return;
            }
            seen = begun;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

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
        protocols,
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
        let activity = Arc::new(Activity::default());
        let connection = connection(&builder, stream, answer.clone(), Arc::clone(&activity));
        let connection = graceful.watch(connection);
        let limit = limits.head_time;
        tokio::spawn(async move {
            // Whatever ends a connection concerns its client only.
            tokio::select! {
                _ = connection => {}
                () = activity.idle(limit) => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn builder(limits: Limits, protocols: Protocols) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if protocols == Protocols::Http2 {
        builder = builder.http2_only();
    }
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head.max(8 << 10))
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS.0)
        .max_local_error_reset_streams(RESETS.1)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.head_time)
        .adaptive_window(true);
    builder
}

fn connection<A, F, B>(
    builder: &Builder<TokioExecutor>,
    stream: TcpStream,
    answer: A,
    activity: Arc<Activity>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error: std::fmt::Debug> + Send + 'static
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Answers are written whole, so that there is nothing to wait for.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let running = activity.begin();
        let of_body = Arc::clone(&activity);
        let answer = answer(request);
        async move {
            let answer = answer.await;
            drop(running);
            Ok::<_, Infallible>(answer.map(|body| Tracked {
                body,
                activity: of_body,
                running: None,
            }))
        }
    });
    builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned()
}

/// A body that counts as running while something is awaited that is to be sent. What waits for its client does not.
struct Tracked<B> {
    body: B,
    activity: Arc<Activity>,
    running: Option<Running>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Tracked<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            self.running = None;
        } else if self.running.is_none() {
            self.running = Some(self.activity.begin());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
