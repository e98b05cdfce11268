//! Work that takes long, done where it keeps no socket waiting.

use crate::refusal::Refusal;

/// Bodies and tensors of more bytes than this take a thread for themselves.
pub(crate) const HEAVY: usize = 128 << 10;

/// Does this work, on a thread of its own if it is heavy.
pub(crate) async fn aside_if<T: Send + 'static>(
    is_heavy: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if !is_heavy {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::internal("the request was not worked on to its end"))
}
