//! What is sent back: messages one after the other, and a status behind them.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use super::framing::Pieces;
use crate::compression::Coding;
use crate::refusal::Refusal;
use crate::state::State;

/// How answers are compressed.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// How requests may be compressed.
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// When a request may be sent again, in milliseconds.
const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// How many messages of a stream wait for the socket.
const AHEAD: usize = 4;

/// The body of an answer.
pub(crate) struct Reply {
    pieces: VecDeque<Bytes>,
    rest: Rest,
}

/// What comes behind the pieces.
enum Rest {
    Status(Status),
    Stream {
        /// What makes the messages, until it ends with a status.
        driver: Driver,
        messages: mpsc::Receiver<Pieces>,
    },
    /// What someone else makes.
    Other(tonic::body::Body),
    Nothing,
}

enum Driver {
    Running(Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>>),
    Ended(Status),
}

/// Where a stream's messages go. Waits while the client takes none.
pub(super) type Sender = mpsc::Sender<Pieces>;

/// One message, and success.
pub(super) fn message(pieces: Pieces, coding: Option<Coding>) -> Response<Reply> {
    let body = Reply {
        pieces: pieces.into_iter().collect(),
        rest: Rest::Status(Status::new(Code::Ok, "")),
    };
    with_head(body, coding)
}

/// Whatever `drive` sends, until it ends.
pub(super) fn stream<F>(
    state: Arc<State>,
    coding: Option<Coding>,
    drive: impl FnOnce(Sender) -> F,
) -> Response<Reply>
where
    F: Future<Output = Result<(), Refusal>> + Send + 'static,
{
    let (sender, messages) = mpsc::channel(AHEAD);
    let driving = drive(sender);
    let driver = async move { state.contain(pin!(driving)).await };
    let body = Reply {
        pieces: VecDeque::new(),
        rest: Rest::Stream {
            driver: Driver::Running(Box::pin(driver)),
            messages,
        },
    };
    with_head(body, coding)
}

/// What someone else answers.
pub(super) fn other(response: Response<tonic::body::Body>) -> Response<Reply> {
    response.map(|body| Reply {
        pieces: VecDeque::new(),
        rest: Rest::Other(body),
    })
}

/// The answer to a request that is refused.
pub(super) fn refused(refusal: &Refusal) -> Response<Reply> {
    status(refusal).into_http::<()>().map(|()| Reply {
        pieces: VecDeque::new(),
        rest: Rest::Nothing,
    })
}

fn with_head(body: Reply, coding: Option<Coding>) -> Response<Reply> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let accepted = HeaderValue::from_static("identity,gzip,deflate");
    headers.insert(ACCEPT_ENCODING, accepted);
    if let Some(coding) = coding {
        headers.insert(ENCODING, HeaderValue::from_static(coding.name()));
    }
    response
}

/// What a refusal is to a client of this protocol.
fn status(refusal: &Refusal) -> Status {
    let mut status = Status::new(refusal.kind.code(), refusal.text.as_str());
    if let Some(after) = refusal.retry_after {
        let millis = after.max(Duration::from_millis(1)).as_millis();
        if let Ok(value) = MetadataValue::try_from(millis.to_string()) {
            status.metadata_mut().insert(PUSHBACK, value);
        }
    }
    status
}

fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // What cannot be written is not what clients can do anything about.
        trailers.insert("grpc-status", HeaderValue::from_static("13"));
    }
    trailers
}

impl Reply {
    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Option<HeaderMap>> {
        let Rest::Stream { driver, messages } = &mut self.rest else {
            return Poll::Ready(None);
        };
        if let Driver::Running(running) = driver
            && let Poll::Ready(ended) = running.as_mut().poll(context)
        {
            let ended =
                ended.map_or_else(|refusal| status(&refusal), |()| Status::new(Code::Ok, ""));
            *driver = Driver::Ended(ended);
        }
        match (messages.poll_recv(context), driver) {
            (Poll::Ready(Some(message)), _) => {
                self.pieces.extend(message);
                Poll::Ready(None)
            }
            (_, Driver::Ended(status)) => {
                let trailers = trailers(status);
                self.rest = Rest::Nothing;
                Poll::Ready(Some(trailers))
            }
            _ => Poll::Pending,
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            while let Some(piece) = self.pieces.pop_front() {
                if !piece.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
            }
            match &mut self.rest {
                Rest::Status(status) => {
                    let trailers = trailers(status);
                    self.rest = Rest::Nothing;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Rest::Stream { .. } => match self.poll_stream(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => {}
                    Poll::Ready(Some(trailers)) => {
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                },
                Rest::Other(body) => return Pin::new(body).poll_frame(context),
                Rest::Nothing => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
            && match &self.rest {
                Rest::Nothing => true,
                Rest::Other(body) => body.is_end_stream(),
                Rest::Status(_) | Rest::Stream { .. } => false,
            }
    }
}
