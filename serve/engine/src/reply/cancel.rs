//! Taking a request back: out of the queue when it still waits, marked when it runs.

use std::fmt;
use std::sync::Arc;

use super::channel::Channel;
use crate::response::Answer;

/// Which request of a queue: its level, and its place in the order in which requests came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The level, from 0.
    pub(crate) level: usize,
    /// The place.
    pub(crate) place: u64,
}

/// What requests can be taken back from.
pub(crate) trait Withdraw: Send + Sync {
    /// Answers a request that still waits as cancelled. Others have begun, and go on.
    fn withdraw(&self, ticket: Ticket);
}

/// How one request is taken back.
#[derive(Clone)]
pub(crate) struct Withdrawal {
    pub(crate) from: Arc<dyn Withdraw>,
    pub(crate) ticket: Ticket,
}

impl Withdrawal {
    pub(crate) fn withdraw(&self) {
        self.from.withdraw(self.ticket);
    }
}

impl fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Withdrawal").field(&self.ticket).finish()
    }
}

/// Takes a request back from anywhere, while someone else waits for its answer.
#[derive(Clone, Debug)]
pub struct CancelHandle {
    pub(super) pending: Option<(Arc<Channel<Answer>>, Withdrawal)>,
}

impl CancelHandle {
    /// Takes the request back. One that waits is answered as cancelled at once and never runs; one that
    /// runs is marked, which its model may look at; one that is answered is left alone.
    pub fn cancel(&self) {
        if let Some((channel, withdrawal)) = &self.pending {
            channel.withdraw();
            withdrawal.withdraw();
        }
    }
}
