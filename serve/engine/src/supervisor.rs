//! The engine's clock: turns requests away whose time is over, while every instance is busy.
//!
//! One thread for all models, which sleeps until the earliest time that anyone asked for.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::core::Core;
use crate::histogram::nanoseconds;

/// The least time between two looks at the queues.
const REST: Duration = Duration::from_millis(1);

/// The clock.
pub(crate) struct Supervisor {
    epoch: Instant,
    /// When the thread wakes up, in nanoseconds after the epoch.
    armed: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    watched: Vec<Weak<Core>>,
    until: Option<Instant>,
    is_stopped: bool,
}

impl Supervisor {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let supervisor = Arc::new(Self {
            epoch: Instant::now(),
            armed: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&supervisor);
        std::thread::Builder::new()
            .name("engine-clock".to_owned())
            .spawn(move || own.run())?;
        Ok(supervisor)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_all();
    }

    /// Looks after this model from now on.
    pub(crate) fn watch(&self, core: &Arc<Core>) {
        let mut state = self.state();
        state.watched.retain(|core| core.strong_count() > 0);
        state.watched.push(Arc::downgrade(core));
    }

    /// Makes sure that there is a look at the queues then.
    pub(crate) fn arm(&self, at: Option<Instant>) {
        let Some(at) = at else {
            return;
        };
        let time = nanoseconds(at.saturating_duration_since(self.epoch));
        if time >= self.armed.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state();
        if state.until.is_none_or(|until| at < until) {
            state.until = Some(at);
            self.armed.store(time, Ordering::Release);
            drop(state);
            self.changed.notify_all();
        }
    }

    fn run(&self) {
        let mut watched: Vec<Arc<Core>> = Vec::new();
        let mut next_look = self.epoch;
        while self.sleep(next_look, &mut watched) {
            let now = Instant::now();
            for core in watched.drain(..) {
                self.arm(core.expire(now));
            }
            next_look = now + REST;
        }
    }

    /// Sleeps until it is time, and says whose queues to look at. `false` when there is nothing more to do.
    fn sleep(&self, not_before: Instant, watched: &mut Vec<Arc<Core>>) -> bool {
        let mut state = self.state();
        while !state.is_stopped {
            let now = Instant::now();
            state = match state.until.map(|until| until.max(not_before)) {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) if until > now => {
                    let waited = self.changed.wait_timeout(state, until - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    state.until = None;
                    self.armed.store(u64::MAX, Ordering::Release);
                    watched.extend(state.watched.iter().filter_map(Weak::upgrade));
                    return true;
                }
            };
        }
        false
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").finish_non_exhaustive()
    }
}
