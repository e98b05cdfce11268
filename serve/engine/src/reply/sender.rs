//! The duty to answer a request. It cannot be forgotten: dropping it answers too.

use std::fmt;
use std::sync::Arc;

use super::channel::Channel;
use crate::error::InferError;
use crate::order::Order;
use crate::response::{Answer, Response};

/// The duty to answer one request.
pub(crate) struct Reply {
    target: Option<Target>,
    model: Arc<str>,
    /// Where answers wait for those to earlier requests, and the place of this one.
    order: Option<(Arc<Order>, u64)>,
}

/// Who waits for an answer.
pub(crate) enum Target {
    /// A future or a stream.
    Channel(Arc<Channel<Answer>>),
    /// Whoever goes on with the response, on the thread that gives it. Must not block.
    Callback(Box<dyn FnOnce(Result<Response, InferError>) + Send>),
    /// Nobody.
    Nobody,
}

/// Nobody receives what was sent: the request was withdrawn, or is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody receives the response any more")]
pub struct Gone;

impl Reply {
    pub(crate) const fn new(target: Target, model: Arc<str>) -> Self {
        Self {
            target: Some(target),
            model,
            order: None,
        }
    }

    /// The model that is to answer.
    pub(crate) const fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// Lets the answer wait for those to earlier requests.
    pub(crate) fn in_order(&mut self, order: &Arc<Order>, place: u64) {
        self.order = Some((Arc::clone(order), place));
    }

    /// Whether nobody wants the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        match &self.target {
            Some(Target::Channel(channel)) => channel.is_abandoned(),
            Some(Target::Callback(_) | Target::Nobody) | None => false,
        }
    }

    /// Gives one of many answers; blocks while `capacity` of them wait to be received.
    pub(crate) fn send(
        &self,
        result: Result<Response, InferError>,
        capacity: usize,
    ) -> Result<(), Gone> {
        let answer = Answer {
            result,
            is_last: false,
        };
        match &self.target {
            Some(Target::Channel(channel)) if channel.send(answer, capacity) => Ok(()),
            _ => Err(Gone),
        }
    }

    /// Gives the last answer.
    pub(crate) fn finish(mut self, result: Result<Response, InferError>) {
        self.deliver(Some(result));
    }

    /// Says that there are no more answers.
    pub(crate) fn end(mut self) {
        self.deliver(None);
    }

    fn deliver(&mut self, result: Option<Result<Response, InferError>>) {
        let Some(target) = self.target.take() else {
            return;
        };
        match self.order.take() {
            Some((order, place)) => order.deliver(place, target, result),
            None => target.deliver(result),
        }
    }
}

impl Target {
    pub(crate) fn deliver(self, result: Option<Result<Response, InferError>>) {
        match self {
            Self::Channel(channel) => channel.end(result.map(|result| Answer {
                result,
                is_last: true,
            })),
            Self::Callback(callback) => callback(result.unwrap_or(Err(InferError::Cancelled))),
            Self::Nobody => {}
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.target.is_some() {
            let model = Arc::clone(&self.model);
            self.deliver(Some(Err(InferError::Unanswered { model })));
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("model", &self.model)
            .field("is_answered", &self.target.is_none())
            .finish_non_exhaustive()
    }
}
