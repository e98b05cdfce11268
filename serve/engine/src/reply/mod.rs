//! The way back of an answer: who gives it, who waits for it, and what happens when either goes away.

mod cancel;
mod channel;
mod future;
mod sender;
mod stream;

pub use cancel::CancelHandle;
pub(crate) use cancel::{Ticket, Withdraw, Withdrawal};
pub(crate) use channel::Channel;
pub use future::ReplyFuture;
pub use sender::Gone;
pub(crate) use sender::{Reply, Target};
pub use stream::ReplyStream;
