//! Requests of one stream that are with their models, and which answer comes next.
//!
//! Those to models that give one response each are answered in the order in which they came; the others as their
//! responses come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use nav_engine::{Answer, Model, ReplyStream};

use crate::shared_memory::Spans;
use crate::trace::Trace;
use crate::wire::Wanted;

/// A request that is with its model.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) model: Arc<Model>,
    pub(super) id: Option<Box<str>>,
    pub(super) wanted: Wanted,
    /// Where tensors are that are not in messages.
    pub(super) spans: Spans,
    /// Whether the client is told that there is nothing more.
    pub(super) empty_final: bool,
    pub(super) replies: ReplyStream,
    /// What is written down of it.
    pub(super) trace: Option<Trace>,
}

/// Requests that are with their models.
#[derive(Debug, Default)]
pub(super) struct Turns {
    in_order: VecDeque<Turn>,
    any_time: Vec<Turn>,
}

impl Turns {
    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.any_time.len()
    }

    pub(super) fn add(&mut self, turn: Turn) {
        if turn.model.options().decoupled {
            self.any_time.push(turn);
        } else {
            self.in_order.push_back(turn);
        }
    }

    /// What `told` makes of what comes next of any of them, once it is there. Nothing comes at the end of a
    /// request. One that is over is gone then.
    pub(super) fn poll_next<T>(
        &mut self,
        context: &mut Context<'_>,
        told: impl FnOnce(&mut Turn, Option<Answer>) -> T,
    ) -> Poll<T> {
        if let Some(first) = self.in_order.front_mut()
            && let Poll::Ready(answer) = first.replies.poll_next(context)
            && let Some(mut turn) = self.in_order.pop_front()
        {
            return Poll::Ready(told(&mut turn, answer));
        }
        for index in 0..self.any_time.len() {
            let Some(turn) = self.any_time.get_mut(index) else {
                continue;
            };
            let Poll::Ready(answer) = turn.replies.poll_next(context) else {
                continue;
            };
            let is_over = answer.as_ref().is_none_or(|answer| answer.is_last);
            let mut turn = self.any_time.remove(index);
            let message = told(&mut turn, answer);
            if !is_over {
                // Others come first the next time.
                self.any_time.push(turn);
            }
            return Poll::Ready(message);
        }
        Poll::Pending
    }
}
