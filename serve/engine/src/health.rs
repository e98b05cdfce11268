//! How the instances of a model are doing, and whether that is well enough to be sent requests.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::histogram::nanoseconds;

/// How a model is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it should be sent requests.
    pub is_ready: bool,
    /// How each instance is doing.
    pub instances: Vec<InstanceState>,
}

/// How an instance is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// It waits for requests.
    Idle,
    /// It runs.
    Busy,
    /// It has been running for longer than it should take.
    Stuck {
        /// For how long.
        running: Duration,
    },
    /// The process that holds its model was lost several times in a row.
    Lost {
        /// How often.
        losses: u32,
    },
    /// It could not be made again after a panic.
    Down {
        /// Why not.
        reason: Arc<str>,
    },
}

/// After how many losses in a row a model is not ready.
const LOSS_LIMIT: u32 = 3;

/// What an instance says of itself as it goes.
#[derive(Debug)]
pub(crate) struct InstanceStatus {
    epoch: Instant,
    /// When the run began, in nanoseconds after the epoch; 0 when there is none.
    busy_since: AtomicU64,
    losses: AtomicU32,
    down: Mutex<Option<Arc<str>>>,
}

impl InstanceStatus {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            busy_since: AtomicU64::new(0),
            losses: AtomicU32::new(0),
            down: Mutex::new(None),
        }
    }

    pub(crate) fn begin(&self, now: Instant) {
        let since = nanoseconds(now.saturating_duration_since(self.epoch)).max(1);
        self.busy_since.store(since, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    pub(crate) fn note_loss(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn note_success(&self) {
        if self.losses.load(Ordering::Relaxed) > 0 {
            self.losses.store(0, Ordering::Relaxed);
        }
    }

    /// Whether its last run ended with the loss of a process.
    pub(crate) fn is_losing(&self) -> bool {
        self.losses.load(Ordering::Relaxed) > 0
    }

    /// Whether so many did that it counts as ill.
    pub(crate) fn is_lost(&self) -> bool {
        self.losses.load(Ordering::Relaxed) >= LOSS_LIMIT
    }

    /// Notes that it cannot run, or that it can again. Whether that is new.
    pub(crate) fn set_down(&self, reason: Option<Arc<str>>) -> bool {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = down.is_some() != reason.is_some();
        *down = reason;
        is_new
    }

    /// Why it cannot run.
    pub(crate) fn down(&self) -> Option<Arc<str>> {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        down.clone()
    }

    pub(crate) fn state(&self, now: Instant, stuck_after: Duration) -> InstanceState {
        if let Some(reason) = self.down() {
            return InstanceState::Down { reason };
        }
        let busy_since = self.busy_since.load(Ordering::Relaxed);
        if busy_since > 0 {
            let began = self.epoch + Duration::from_nanos(busy_since);
            let running = now.saturating_duration_since(began);
            if running > stuck_after {
                return InstanceState::Stuck { running };
            }
        }
        let losses = self.losses.load(Ordering::Relaxed);
        if losses >= LOSS_LIMIT {
            return InstanceState::Lost { losses };
        }
        if busy_since > 0 {
            InstanceState::Busy
        } else {
            InstanceState::Idle
        }
    }
}

impl Health {
    /// Ready as long as one instance is well.
    pub(crate) fn of(instances: Vec<InstanceState>) -> Self {
        let is_well =
            |state: &InstanceState| matches!(state, InstanceState::Idle | InstanceState::Busy);
        Self {
            is_ready: instances.iter().any(is_well),
            instances,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_takes_too_long_is_stuck_until_it_ends() {
        let epoch = Instant::now();
        let status = InstanceStatus::new(epoch);
        let limit = Duration::from_secs(5);
        let at = |seconds| epoch + Duration::from_secs(seconds);
        assert_eq!(status.state(at(9), limit), InstanceState::Idle);
        status.begin(at(10));
        assert_eq!(status.state(at(15), limit), InstanceState::Busy);
        let running = Duration::from_secs(6);
        let stuck = status.state(at(16), limit);
        assert_eq!(stuck, InstanceState::Stuck { running });
        assert!(!Health::of(vec![stuck.clone()]).is_ready);
        assert!(Health::of(vec![stuck, InstanceState::Idle]).is_ready);
        status.end();
        assert_eq!(status.state(at(17), limit), InstanceState::Idle);
    }

    #[test]
    fn losses_in_a_row_are_forgiven_up_to_a_limit() {
        let status = InstanceStatus::new(Instant::now());
        let state = || status.state(Instant::now(), Duration::from_secs(5));
        status.note_loss();
        status.note_loss();
        assert_eq!(state(), InstanceState::Idle);
        status.note_loss();
        assert_eq!(state(), InstanceState::Lost { losses: 3 });
        status.note_success();
        assert_eq!(state(), InstanceState::Idle);
    }
}
