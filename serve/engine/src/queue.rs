//! The queue of a model: requests come in from anywhere, instances pull batches out.
//!
//! There is no thread that makes batches: an instance that has nothing to do makes its own. While a batch may
//! grow, one instance waits for it, and is only woken when it is large enough or its time has come.

use std::fmt;
use std::time::{Duration, Instant};

use crate::options::ModelOptions;
use crate::reply::Ticket;
use crate::sync::{Condvar, Mutex, lock, wait, wait_for};
use crate::waiting::{Arrival, Entry, Full, Next, Waiting, Waits};

/// The queue of one model.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    /// Where the instance sleeps whose batch may grow.
    leader: Condvar,
    /// Where the others sleep.
    idle: Condvar,
    /// Where those sleep that cannot run anything for a while.
    resting: Condvar,
}

struct State<T> {
    waiting: Waiting<T>,
    is_closed: bool,
    /// Whether batches no longer wait to grow.
    hurries: bool,
    has_leader: bool,
    /// Until when the leader sleeps.
    leader_until: Option<Instant>,
    /// Instances that sleep and were not told to wake up.
    asleep: usize,
    /// Wake-ups that were given and not yet taken.
    calls: usize,
}

/// Why nothing could be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full(usize),
    Closed,
}

/// What an instance pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulled {
    /// A batch.
    Batch,
    /// Nothing to run, but some whose time was over.
    Expired,
    /// Nothing for as long as the instance wanted to wait.
    Nothing,
    /// Nothing, now and for ever.
    Closed,
}

/// A push that succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) ticket: Ticket,
    /// When something may have to be done about time.
    pub(crate) earliest: Option<Instant>,
}

impl<T: Waits> Queue<T> {
    pub(crate) fn new(options: &ModelOptions) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Waiting::new(options),
                is_closed: false,
                hurries: false,
                has_leader: false,
                leader_until: None,
                asleep: 0,
                calls: 0,
            }),
            leader: Condvar::new(),
            idle: Condvar::new(),
            resting: Condvar::new(),
        }
    }

    /// Adds one. `numbered` is told its place, before any instance can see it.
    pub(crate) fn push(
        &self,
        item: T,
        arrival: Arrival,
        numbered: impl FnOnce(&mut T, u64),
    ) -> Result<Pushed, (T, Refusal)> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err((item, Refusal::Closed));
        }
        let (ticket, patience) = state
            .waiting
            .push(item, arrival, numbered)
            .map_err(|(item, Full(limit))| (item, Refusal::Full(limit)))?;
        let earliest = state.waiting.earliest();
        if state.has_leader {
            let is_urgent =
                patience.is_some_and(|it| state.leader_until.is_none_or(|until| it < until));
            let is_enough = is_urgent || state.waiting.may_be_enough();
            drop(state);
            if is_enough {
                self.leader.notify_one();
            }
        } else {
            let is_called = state.call_one();
            drop(state);
            if is_called {
                self.idle.notify_one();
            }
        }
        Ok(Pushed { ticket, earliest })
    }

    /// Pulls a batch; blocks for it, but at most for `patience`. Some may turn out to be expired.
    pub(crate) fn pull(
        &self,
        patience: Option<Duration>,
        batch: &mut Vec<T>,
        expired: &mut Vec<Entry<T>>,
    ) -> Pulled {
        let give_up = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            state.waiting.expire(now, expired);
            let at_once = state.is_closed || state.hurries;
            let next = state.waiting.take(now, at_once, batch);
            if next == Next::Taken {
                // Whoever took what others were waiting for must see to what is left.
                let is_called = state.waiting.len() > 0 && !state.has_leader && state.call_one();
                drop(state);
                if is_called {
                    self.idle.notify_one();
                }
                return Pulled::Batch;
            }
            if !expired.is_empty() {
                return Pulled::Expired;
            }
            if next == Next::Empty && state.is_closed {
                return Pulled::Closed;
            }
            if let Next::Later(until) = next
                && !state.has_leader
            {
                state.has_leader = true;
                state.leader_until = Some(until);
                state = wait_for(&self.leader, state, until.saturating_duration_since(now));
                state.has_leader = false;
                continue;
            }
            let left = give_up.map(|give_up| give_up.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                return Pulled::Nothing;
            }
            state.asleep += 1;
            state = match left {
                None => wait(&self.idle, state),
                Some(left) => wait_for(&self.idle, state, left),
            };
            if state.calls > 0 {
                state.calls -= 1;
            } else {
                state.asleep -= 1;
            }
        }
    }

    /// Takes one out again, if it still waits.
    pub(crate) fn withdraw(&self, ticket: Ticket) -> Option<Entry<T>> {
        lock(&self.state).waiting.withdraw(ticket)
    }

    /// Takes out the one that is this, if it still waits.
    pub(crate) fn withdraw_if(&self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        lock(&self.state).waiting.withdraw_if(is_it)
    }

    /// Takes out those whose time is over. When the next ones may be.
    pub(crate) fn expire(&self, now: Instant, expired: &mut Vec<Entry<T>>) -> Option<Instant> {
        let mut state = lock(&self.state);
        state.waiting.expire(now, expired);
        state.waiting.earliest()
    }

    /// Takes out everything that waits.
    pub(crate) fn drain(&self) -> Vec<Entry<T>> {
        lock(&self.state).waiting.drain()
    }

    /// Lets no batch wait to grow any more.
    pub(crate) fn hurry(&self) {
        lock(&self.state).hurries = true;
        self.leader.notify_all();
    }

    /// Takes nothing more. What waits is still pulled.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.calls += std::mem::take(&mut state.asleep);
        drop(state);
        self.leader.notify_all();
        self.idle.notify_all();
        self.resting.notify_all();
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    /// Waits without pulling, for as long as the queue is open and `time` is not over. Whether it was closed.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let Some(until) = Instant::now().checked_add(time) else {
            return false;
        };
        let mut state = lock(&self.state);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.is_closed || left.is_zero() {
                return state.is_closed;
            }
            state = wait_for(&self.resting, state, left);
        }
    }
}

impl<T> State<T> {
    /// Whether someone sleeps who is now to be woken.
    const fn call_one(&mut self) -> bool {
        if self.asleep == 0 {
            return false;
        }
        self.asleep -= 1;
        self.calls += 1;
        true
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;

#[cfg(loom)]
#[cfg(test)]
mod model;
