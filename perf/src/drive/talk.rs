//! What is said on one connection, whatever the protocol: requests one at a time, and the answer to each.

use std::time::Instant;

use crate::failure::Failed;

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Why it failed, if it did.
    pub(crate) failed: Option<Failed>,
    /// How many responses there were.
    pub(crate) responses: u32,
    /// When the first of several came.
    pub(crate) first: Option<Instant>,
}

/// One connection, from the words of a protocol to what became of a request. Knows no socket.
pub(crate) trait Talk: std::fmt::Debug {
    /// A connection was made.
    fn opened(&mut self);

    /// The next request is the one of this number.
    fn ask(&mut self, call: usize);

    /// What is to be sent next, as far as may be now.
    fn outgoing(&mut self) -> &[u8];

    /// So much of it was sent.
    fn sent(&mut self, count: usize);

    /// These bytes came. The answer, once it is whole.
    fn received(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Failed>;

    /// These bytes came while nothing was under way. Fails where nothing may come then.
    fn interrupted(&mut self, bytes: &[u8]) -> Result<(), Failed>;

    /// No more will come. The answer, if that is its end.
    fn ended(&mut self) -> Result<Reply, Failed>;

    /// Whether another request may be asked here.
    fn may_go_on(&self) -> bool;
}

impl Reply {
    /// A request that was answered.
    pub(crate) const fn answered() -> Self {
        Self {
            failed: None,
            responses: 1,
            first: None,
        }
    }

    /// A request that was not.
    pub(crate) const fn failed(failed: Failed) -> Self {
        Self {
            failed: Some(failed),
            responses: 0,
            first: None,
        }
    }
}
