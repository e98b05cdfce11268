//! What panics while it answers is a bug, and is to cost one answer only.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// How many answers panicked.
#[derive(Debug, Default)]
pub(crate) struct Panics(AtomicU64);

impl Panics {
    /// What this comes to; `None` when it panics. It is taken where it lies: a future that is handed over takes
    /// its size twice in whatever waits for it.
    pub(crate) async fn contain<F: Future>(&self, mut future: Pin<&mut F>) -> Option<F::Output> {
        // It is polled no more after a panic, so that nobody sees what it left half done.
        let polled = poll_fn(|context| {
            let poll = || future.as_mut().poll(context);
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            }
        });
        let outcome = polled.await;
        if outcome.is_none() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn a_panic_is_no_answer_and_is_counted() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let panics = Panics::default();
        let calm = pin!(async { 1 });
        assert_eq!(runtime.block_on(panics.contain(calm)), Some(1));
        let panicking = pin!(async {
            tokio::task::yield_now().await;
            panic!("a bug")
        });
        assert_eq!(runtime.block_on(panics.contain::<_>(panicking)), None::<()>);
        assert_eq!(panics.count(), 1);
    }
}
