//! Waiting for the one response to a request, by polling or by blocking.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::cancel::{CancelHandle, Withdrawal};
use super::channel::{Channel, Received};
use crate::error::InferError;
use crate::response::{Answer, Response};

/// The response to a request, once it is there. Dropping it takes the request back: one that has not begun
/// never runs.
pub struct ReplyFuture {
    state: State,
}

enum State {
    Known(Box<Result<Response, InferError>>),
    Pending {
        channel: Arc<Channel<Answer>>,
        withdrawal: Option<Withdrawal>,
    },
    Done,
}

impl ReplyFuture {
    pub(crate) fn known(result: Result<Response, InferError>) -> Self {
        Self {
            state: State::Known(Box::new(result)),
        }
    }

    pub(crate) const fn pending(
        channel: Arc<Channel<Answer>>,
        withdrawal: Option<Withdrawal>,
    ) -> Self {
        Self {
            state: State::Pending {
                channel,
                withdrawal,
            },
        }
    }

    /// Blocks until the response is there.
    pub fn wait(mut self) -> Result<Response, InferError> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Known(result) => *result,
            State::Pending { channel, .. } => match channel.receive(None) {
                Received::Answer(answer) => answer.result,
                Received::Ended | Received::TimedOut => Err(InferError::Cancelled),
            },
            State::Done => Err(InferError::Cancelled),
        }
    }

    /// Blocks until the response is there, but not beyond `until`; then the waiting can be taken up again.
    pub fn wait_until(mut self, until: Instant) -> Result<Result<Response, InferError>, Self> {
        let State::Pending { channel, .. } = &self.state else {
            return Ok(self.wait());
        };
        match channel.receive(Some(until)) {
            Received::TimedOut => Err(self),
            Received::Answer(answer) => {
                self.state = State::Done;
                Ok(answer.result)
            }
            Received::Ended => Ok(Err(InferError::Cancelled)),
        }
    }

    /// Something to take the request back with, while this is waited for.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            pending: match &self.state {
                State::Pending {
                    channel,
                    withdrawal,
                } => withdrawal.clone().map(|it| (Arc::clone(channel), it)),
                State::Known(_) | State::Done => None,
            },
        }
    }
}

impl Future for ReplyFuture {
    type Output = Result<Response, InferError>;

    /// Once it was ready, it answers that the request was cancelled.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Pending { channel, .. } = &self.state {
            let Poll::Ready(answer) = channel.poll(context) else {
                return Poll::Pending;
            };
            self.state = State::Done;
            return Poll::Ready(answer.map_or(Err(InferError::Cancelled), |answer| answer.result));
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Known(result) => Poll::Ready(*result),
            State::Pending { .. } | State::Done => Poll::Ready(Err(InferError::Cancelled)),
        }
    }
}

impl Drop for ReplyFuture {
    fn drop(&mut self) {
        if let State::Pending {
            channel,
            withdrawal,
        } = &self.state
            && channel.abandon()
            && let Some(withdrawal) = withdrawal
        {
            withdrawal.withdraw();
        }
    }
}

impl fmt::Debug for ReplyFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Known(_) => "known",
            State::Pending { .. } => "pending",
            State::Done => "done",
        };
        f.debug_tuple("ReplyFuture").field(&state).finish()
    }
}
