//! What goes on in a connection, so that one on which nothing goes on can be ended.
//!
//! A connection is idle while its client says nothing, says it too slowly, or does not take its answer. It is not
//! while a request is worked on, nor while the rest of an answer is still to come from a model. Knows no protocol.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Body, Frame, SizeHint};
use smallvec::SmallVec;

/// What goes on in a connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Requests and pieces of answers so far.
    begun: AtomicU64,
    /// How many requests and answers wait for something on this side.
    running: AtomicUsize,
    /// Since when the pieces that were handed to the connection last, one for each answer, are there. As many as
    /// answers go at the same time: one over HTTP/1, few over HTTP/2.
    untaken: Mutex<SmallVec<[(u64, Instant); 4]>>,
}

/// Something that is waited for on this side, until this is dropped.
#[derive(Debug)]
pub(crate) struct Running(Arc<Activity>);

/// A piece that was handed to the connection, until this is dropped.
#[derive(Debug)]
struct Untaken {
    activity: Arc<Activity>,
    number: u64,
}

/// The body of an answer, watched while it is taken.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    body: B,
    activity: Arc<Activity>,
    running: Option<Running>,
    untaken: Option<Untaken>,
}

impl Activity {
    /// Something on this side is waited for.
    pub(crate) fn begin(self: &Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    fn hand_over(self: &Arc<Self>) -> Untaken {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.pieces().push((number, Instant::now()));
        Untaken {
            activity: Arc::clone(self),
            number,
        }
    }

    fn pieces(&self) -> MutexGuard<'_, SmallVec<[(u64, Instant); 4]>> {
        self.untaken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing ran and nothing began for this long, or until a piece of an answer lay untaken for it.
    /// One answer of many that a client does not take is enough: a model may wait for it.
    pub(crate) async fn idle(&self, limit: Duration) {
        let mut seen = 0;
        loop {
            tokio::time::sleep(limit).await;
            let begun = self.begun.load(Ordering::Relaxed);
            if self.running.load(Ordering::Relaxed) == 0 && begun == seen {
                return;
            }
            let is_late = |(_, since): &(u64, Instant)| since.elapsed() >= limit;
            let is_untaken = self.pieces().iter().any(is_late);
            if is_untaken {
                return;
            }
            seen = begun;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        self.activity
            .pieces()
            .retain(|(number, _)| *number != self.number);
    }
}

impl<B> Watched<B> {
    /// This body, the answer of a request in this connection.
    pub(crate) const fn new(body: B, activity: Arc<Activity>) -> Self {
        Self {
            body,
            activity,
            running: None,
            untaken: None,
        }
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        // Whoever asks for more has taken what there was.
        self.untaken = None;
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            if self.running.is_none() {
                self.running = Some(self.activity.begin());
            }
            return Poll::Pending;
        }
        self.running = None;
        if let Poll::Ready(Some(_)) = polled {
            self.untaken = Some(self.activity.hand_over());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
