//! Work that takes long, away from the threads that serve sockets.

use crate::refusal::Refusal;

/// What takes long keeps no socket waiting.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Refusal::internal("the request was not read"))
}
