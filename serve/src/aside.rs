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
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        // Whoever waits for it deals with it as with a panic of its own.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Refusal::internal(
                "the request was not worked on to its end",
            )),
        },
    }
}
