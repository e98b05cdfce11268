//! How much may be in flight in all models together. What a request takes comes back when it is answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// The limits of an engine, and what is in flight.
#[derive(Debug)]
pub(crate) struct Limits {
    max_requests: usize,
    max_bytes: usize,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    /// Whether someone waits for the last request to be answered.
    is_draining: AtomicBool,
    lock: Mutex<()>,
    emptied: Condvar,
}

/// A request's share, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    limits: Arc<Limits>,
    bytes: usize,
}

/// Which limit is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    Requests(usize),
    Bytes(usize),
}

impl Limits {
    pub(crate) const fn new(max_requests: usize, max_bytes: usize) -> Self {
        Self {
            max_requests,
            max_bytes,
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            is_draining: AtomicBool::new(false),
            lock: Mutex::new(()),
            emptied: Condvar::new(),
        }
    }

    /// A share for a request whose inputs take this many bytes.
    pub(crate) fn enter(self: &Arc<Self>, bytes: usize) -> Result<Permit, OverLimit> {
        take(&self.requests, 1, self.max_requests).ok_or(OverLimit::Requests(self.max_requests))?;
        if take(&self.bytes, bytes, self.max_bytes).is_none() {
            self.requests.fetch_sub(1, Ordering::SeqCst);
            return Err(OverLimit::Bytes(self.max_bytes));
        }
        Ok(Permit {
            limits: Arc::clone(self),
            bytes,
        })
    }

    /// Waits until nothing is in flight, but not beyond `until`. Whether nothing is.
    pub(crate) fn drain(&self, until: Instant) -> bool {
        // Orders this before whatever the last request gives back: it will see the flag, or we the zero.
        self.is_draining.store(true, Ordering::SeqCst);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while self.requests.load(Ordering::SeqCst) > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.emptied.wait_timeout(guard, left);
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// How many requests are in flight.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Acquire)
    }

    /// How many bytes their inputs take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }
}

/// Takes as much more, unless that were more than the limit. Whoever took it gives it back.
pub(crate) fn take(taken: &AtomicUsize, amount: usize, limit: usize) -> Option<()> {
    let before = taken.fetch_add(amount, Ordering::SeqCst);
    if before.checked_add(amount).is_some_and(|sum| sum <= limit) {
        return Some(());
    }
    taken.fetch_sub(amount, Ordering::SeqCst);
    None
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limits.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        let before = self.limits.requests.fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.limits.is_draining.load(Ordering::SeqCst) {
            let guard = self.limits.lock.lock();
            drop(guard.unwrap_or_else(PoisonError::into_inner));
            self.limits.emptied.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_takes_comes_back() {
        let limits = Arc::new(Limits::new(2, 10));
        let one = limits.enter(4).unwrap();
        let _two = limits.enter(6).unwrap();
        assert_eq!(limits.enter(0).unwrap_err(), OverLimit::Requests(2));
        drop(one);
        assert_eq!(limits.enter(5).unwrap_err(), OverLimit::Bytes(10));
        assert_eq!(limits.enter(usize::MAX).unwrap_err(), OverLimit::Bytes(10));
        assert_eq!((limits.requests(), limits.bytes()), (1, 6));
        drop(limits.enter(4).unwrap());
    }
}
