//! Receiving any number of responses to one request, by polling or by blocking.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::cancel::{CancelHandle, Withdrawal};
use super::channel::{Channel, Received};
use crate::error::InferError;
use crate::response::Answer;

/// The responses to a request, as they come. Dropping it takes the request back.
#[derive(Debug)]
pub struct ReplyStream {
    known: Option<Box<Answer>>,
    pending: Option<(Arc<Channel<Answer>>, Option<Withdrawal>)>,
}

impl ReplyStream {
    pub(crate) fn failed(error: InferError) -> Self {
        Self::known(Answer {
            result: Err(error),
            is_last: true,
        })
    }

    pub(crate) fn known(answer: Answer) -> Self {
        Self {
            known: Some(Box::new(answer)),
            pending: None,
        }
    }

    pub(crate) const fn pending(
        channel: Arc<Channel<Answer>>,
        withdrawal: Option<Withdrawal>,
    ) -> Self {
        Self {
            known: None,
            pending: Some((channel, withdrawal)),
        }
    }

    /// Blocks for the next answer; `None` when there is none any more.
    pub fn receive(&mut self) -> Option<Answer> {
        self.receive_within(None)
    }

    /// Blocks for the next answer, but not beyond `until`; `None` when there is none by then, or any more.
    pub fn receive_until(&mut self, until: Instant) -> Option<Answer> {
        self.receive_within(Some(until))
    }

    fn receive_within(&mut self, until: Option<Instant>) -> Option<Answer> {
        if let Some(answer) = self.known.take() {
            return Some(*answer);
        }
        let (channel, _) = self.pending.as_ref()?;
        match channel.receive(until) {
            Received::Answer(answer) => Some(answer),
            Received::Ended | Received::TimedOut => None,
        }
    }

    /// The next answer, or a wake-up when it is there; `None` when there is none any more.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        if let Some(answer) = self.known.take() {
            return Poll::Ready(Some(*answer));
        }
        match &self.pending {
            Some((channel, _)) => channel.poll(context),
            None => Poll::Ready(None),
        }
    }

    /// Waits for the next answer; `None` when there is none any more.
    pub async fn next(&mut self) -> Option<Answer> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// Something to take the request back with, while this is waited for.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            pending: match &self.pending {
                Some((channel, Some(withdrawal))) => {
                    Some((Arc::clone(channel), withdrawal.clone()))
                }
                _ => None,
            },
        }
    }
}

impl Drop for ReplyStream {
    fn drop(&mut self) {
        if let Some((channel, withdrawal)) = &self.pending
            && channel.abandon()
            && let Some(withdrawal) = withdrawal
        {
            withdrawal.withdraw();
        }
    }
}
