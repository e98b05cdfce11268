//! A call on its way through a model: what is asked, who waits, and what it holds until it is answered.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::cache::CacheKey;
use crate::call::Call;
use crate::error::InferError;
use crate::lanes::Turn;
use crate::limits::Permit;
use crate::reply::Reply;
use crate::response::Response;
use crate::waiting::Waits;

/// A call, and the duty to answer it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) call: Call,
    /// None once the code of the model has taken it.
    pub(crate) reply: Option<Reply>,
    pub(crate) arrived: Instant,
    /// What it takes of the limits.
    pub(crate) permit: Option<Permit>,
    /// What its response is to be kept under, and how long it took to find that there was none.
    pub(crate) keep: Option<(CacheKey, Duration)>,
    /// Which part of all sequences it is.
    pub(crate) part: Option<u64>,
    /// Its sequence's turn, while it has it.
    pub(crate) turn: Option<Turn>,
    /// The answer, until the whole batch is accounted for.
    pub(crate) answer: Option<Result<Response, InferError>>,
}

/// Jobs move from queue to batch and back as pointers.
pub(crate) type BoxedJob = Box<Job>;

impl Job {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_cancelled)
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.call.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether there is nothing left to do for it.
    pub(crate) const fn is_done(&self) -> bool {
        self.answer.is_some() || self.reply.is_none()
    }

    /// The call as a client sent it, without what was filled in.
    pub(crate) fn sent(&self) -> Cow<'_, Call> {
        let sent = self.turn.as_ref().and_then(|turn| turn.sent(&self.call));
        sent.map_or(Cow::Borrowed(&self.call), Cow::Owned)
    }

    /// Takes out of its answer what the next request of its sequence needs.
    pub(crate) fn settle(&mut self) {
        if let (Some(turn), Some(Ok(response))) = (&mut self.turn, &mut self.answer)
            && let Err(error) = turn.settle(response)
        {
            self.answer = Some(Err(error));
        }
    }

    /// Gives back what it holds, then answers.
    pub(crate) fn finish(mut self, result: Result<Response, InferError>) {
        self.permit = None;
        // Whoever is answered at the end of a sequence may count on the place and the memory that it had.
        self.turn = None;
        if let Some(reply) = self.reply.take() {
            reply.finish(result);
        }
    }
}

impl Waits for BoxedJob {
    fn rows(&self) -> usize {
        self.call.rows
    }

    fn is_like(&self, other: &Self) -> bool {
        self.call.is_like(&other.call)
    }
}
