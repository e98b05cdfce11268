//! When things are done, until all is over.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells everybody when it is over.
#[derive(Debug, Default)]
pub(crate) struct Over {
    is_over: Mutex<bool>,
    told: Condvar,
}

impl Over {
    /// Ends it.
    pub(crate) fn tell(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }

    /// Waits until then. Whether it is over.
    pub(crate) fn wait_until(&self, then: Instant) -> bool {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        let left = then.saturating_duration_since(Instant::now());
        let waited = self.told.wait_timeout_while(is_over, left, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Does something again and again, so long from one beginning to the next, with the number of the round. What takes
    /// longer is not made up for.
    pub(crate) fn every(&self, gap: Duration, mut act: impl FnMut(u64)) {
        let mut due = Instant::now();
        let mut round = 0;
        while !self.wait_until(due) {
            act(round);
            round += 1;
            due = (due + gap).max(Instant::now());
        }
    }
}
