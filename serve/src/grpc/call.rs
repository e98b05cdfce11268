//! A request on its way: its messages, how its answer is to be written, when nobody waits for it any more.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName};
use hyper::{Request, Response};
use nav_engine::Owner;
use prost::Message;
use tokio::time::Instant;

use super::deadline::timeout;
use super::framing::{Outgoing, framed};
use super::receive::Messages;
use super::reply::{self, Reply};
use crate::compression::Coding;
use crate::refusal::{Refusal, RefusalKind};
use crate::state::{Share, State};

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// A request on its way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) state: Arc<State>,
    pub(super) messages: Messages,
    /// How its answer is compressed.
    pub(super) coding: Option<Coding>,
    pub(super) deadline: Option<Instant>,
    /// When it came.
    pub(super) received: std::time::Instant,
    pub(super) metadata: HeaderMap,
    /// Whose sequences its requests are parts of, where that matters.
    pub(super) owner: Option<Owner>,
}

impl Call {
    /// Reads the head. Answers are compressed as `wanted` says, where the client takes that; whether there may be several
    /// messages, and how large each may be, is for the method to say.
    pub(super) fn new(
        state: Arc<State>,
        request: Request<Incoming>,
        wanted: Option<Coding>,
        messages: (bool, usize),
    ) -> Result<Self, Refusal> {
        let received = std::time::Instant::now();
        let (head, body) = request.into_parts();
        let metadata = head.headers;
        let unknown = || {
            Refusal::new(
                RefusalKind::Encoding,
                "unsupported grpc-encoding, only gzip and deflate are supported",
            )
        };
        let packed = match metadata.get(ENCODING) {
            Some(name) => {
                let name = name.to_str().map_err(|_| unknown())?;
                Coding::of_request(name).map_err(|()| unknown())?
            }
            None => None,
        };
        let accepted = metadata.get(ACCEPT_ENCODING);
        let accepted = accepted
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let coding =
            wanted.filter(|coding| accepted.split(',').any(|it| it.trim() == coding.name()));
        let deadline = match metadata.get(TIMEOUT) {
            Some(value) => {
                let wrong = |()| {
                    Refusal::invalid("grpc-timeout is no number of up to eight digits with a unit")
                };
                Instant::now().checked_add(timeout(value.as_bytes()).map_err(wrong)?)
            }
            None => None,
        };
        Ok(Self {
            messages: Messages::new(body, Arc::clone(&state), packed, messages),
            state,
            coding,
            deadline,
            received,
            metadata,
            owner: head.extensions.get().cloned(),
        })
    }

    /// The one message, and the room that it takes until it is answered.
    pub(super) async fn only<M: Message + Default + 'static>(
        &mut self,
    ) -> Result<(M, Share), Refusal> {
        let message = self.messages.only().await?;
        message.read(Ok).await
    }

    /// Answers with one message.
    pub(super) async fn reply(self, message: impl Outgoing) -> Result<Response<Reply>, Refusal> {
        let pieces = framed(message, self.coding).await?;
        Ok(reply::message(pieces, self.coding))
    }

    /// Answers the one message with one, which needs no waiting.
    pub(super) async fn answer<M, R>(
        mut self,
        answer: impl FnOnce(&State, &M) -> Result<R, Refusal>,
    ) -> Result<Response<Reply>, Refusal>
    where
        M: Message + Default + 'static,
        R: Message,
    {
        let (message, share) = self.only().await?;
        let answer = answer(&self.state, &message)?;
        drop(share);
        self.reply(answer).await
    }
}

/// Nobody waits for it any more.
pub(super) fn too_late() -> Refusal {
    Refusal::new(RefusalKind::TooSlow, "Deadline Exceeded")
}
