//! At most one line a second of a kind, however often it happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// When something was last told, and how often it happened since.
#[derive(Debug)]
pub(crate) struct Pace {
    epoch: Instant,
    /// The second after the epoch in which it may be told again.
    next: AtomicU64,
    skipped: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            next: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }
}

impl Pace {
    /// How often it was not told since it last was, if it may be told now.
    pub(crate) fn turn(&self, now: Instant) -> Option<u64> {
        let second = now.saturating_duration_since(self.epoch).as_secs();
        let next = self.next.load(Ordering::Relaxed);
        let is_due = second >= next;
        let taken = is_due && self.take(next, second + 1);
        if taken {
            return Some(self.skipped.swap(0, Ordering::Relaxed));
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn take(&self, from: u64, to: u64) -> bool {
        self.next
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_happens_often_is_told_once_a_second_with_its_count() {
        let pace = Pace::default();
        let at = |milliseconds| pace.epoch + Duration::from_millis(milliseconds);
        assert_eq!(pace.turn(at(0)), Some(0));
        assert_eq!(pace.turn(at(500)), None);
        assert_eq!(pace.turn(at(999)), None);
        assert_eq!(pace.turn(at(1000)), Some(2));
        assert_eq!(pace.turn(at(5000)), Some(0));
    }
}
