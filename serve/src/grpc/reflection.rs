//! What services there are and what their messages look like, for clients that know no schema.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::watch;
use tonic::Status;
use tonic::codegen::Service;
use tonic_reflection::server::Builder;

use crate::proto::SCHEMA;

/// How large a request may be: it holds a name.
const LIMIT: usize = 16 << 10;

type Answer = Pin<Box<dyn Future<Output = Response<tonic::body::Body>> + Send>>;
type Answers = Box<dyn Fn(Request<Open>) -> Answer + Send + Sync>;

/// The service in both versions that clients ask for.
pub(super) struct Reflection {
    now: Answers,
    old: Answers,
}

impl Reflection {
    pub(super) fn new() -> Self {
        let builder = || {
            Builder::configure()
                .register_encoded_file_descriptor_set(SCHEMA)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        Self {
            now: match builder().build_v1() {
                Ok(service) => answers(service.max_decoding_message_size(LIMIT)),
                Err(_) => Box::new(|_| Box::pin(async { absent() })),
            },
            old: match builder().build_v1alpha() {
                Ok(service) => answers(service.max_decoding_message_size(LIMIT)),
                Err(_) => Box::new(|_| Box::pin(async { absent() })),
            },
        }
    }

    /// Answers until the client has no more questions or the server ends.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        is_old: bool,
        closed: watch::Receiver<bool>,
    ) -> Response<tonic::body::Body> {
        let answers = if is_old { &self.old } else { &self.now };
        answers(request.map(|body| Open::new(body, closed))).await
    }
}

fn answers<S>(service: S) -> Answers
where
    S: Service<
            Request<Open>,
            Response = Response<tonic::body::Body>,
            Error = std::convert::Infallible,
        > + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    Box::new(move |request| {
        let answer = service.clone().call(request);
        Box::pin(async move {
            match answer.await {
                Ok(answer) => answer,
                Err(never) => match never {},
            }
        })
    })
}

fn absent() -> Response<tonic::body::Body> {
    Status::internal("the schema cannot be read").into_http()
}

/// The body of a request, as long as the server is open.
struct Open {
    body: Incoming,
    closed: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Open {
    fn new(body: Incoming, mut closed: watch::Receiver<bool>) -> Self {
        Self {
            body,
            closed: Box::pin(async move {
                // Whoever would close it ended, which is the same.
                drop(closed.wait_for(|closed| *closed).await);
            }),
        }
    }
}

impl Body for Open {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.closed.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

impl fmt::Debug for Reflection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reflection")
    }
}
