//! Where answers wait for their receiver, who blocks or is woken. Bounded, and ended once.
//!
//! The one hand-made piece of waiting besides the queue; loom checks both. Knows nothing of what it carries.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, lock, wait, wait_for};

/// A channel from the threads of a model to whoever asked.
pub(crate) struct Channel<A> {
    state: Mutex<State<A>>,
    /// The receiver sleeps here when it blocks.
    filled: Condvar,
    /// A sender sleeps here while there is no room.
    emptied: Condvar,
    /// The same as in the state, for those who only want to look.
    is_abandoned: AtomicBool,
}

struct State<A> {
    /// The only answer, mostly. More of them cost memory of their own.
    first: Option<A>,
    more: VecDeque<A>,
    is_ended: bool,
    is_abandoned: bool,
    waker: Option<Waker>,
    receiver_sleeps: bool,
    senders_asleep: usize,
}

/// What a receiver that blocked got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<A> {
    /// The next answer.
    Answer(A),
    /// There is none any more.
    Ended,
    /// There was none in time.
    TimedOut,
}

impl<A> State<A> {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    fn push(&mut self, answer: A) {
        if self.len() == 0 {
            self.first = Some(answer);
        } else {
            self.more.push_back(answer);
        }
    }

    fn pop(&mut self) -> Option<A> {
        self.first.take().or_else(|| self.more.pop_front())
    }
}

impl<A> Channel<A> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                first: None,
                more: VecDeque::new(),
                is_ended: false,
                is_abandoned: false,
                waker: None,
                receiver_sleeps: false,
                senders_asleep: 0,
            }),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// Adds an answer once there are fewer than `capacity`. `false` when nobody will receive it.
    pub(crate) fn send(&self, answer: A, capacity: usize) -> bool {
        let mut state = lock(&self.state);
        while state.len() >= capacity && !state.is_abandoned && !state.is_ended {
            state.senders_asleep += 1;
            state = wait(&self.emptied, state);
            state.senders_asleep -= 1;
        }
        if state.is_abandoned || state.is_ended {
            return false;
        }
        state.push(answer);
        self.tell_receiver(state);
        true
    }

    /// Adds a last answer, for which there is always room, and ends. Does nothing when it has ended.
    pub(crate) fn end(&self, last: Option<A>) {
        let mut state = lock(&self.state);
        if state.is_ended {
            return;
        }
        state.is_ended = true;
        if !state.is_abandoned
            && let Some(answer) = last
        {
            state.push(answer);
        }
        if state.senders_asleep > 0 {
            self.emptied.notify_all();
        }
        self.tell_receiver(state);
    }

    fn tell_receiver(&self, mut state: MutexGuard<'_, State<A>>) {
        let sleeps = state.receiver_sleeps;
        let waker = state.waker.take();
        // Whoever is woken wants the lock first.
        drop(state);
        if sleeps {
            self.filled.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn pop(&self, state: &mut State<A>) -> Option<A> {
        let answer = state.pop()?;
        if state.senders_asleep > 0 {
            self.emptied.notify_one();
        }
        Some(answer)
    }

    /// The next answer, or a wake-up when there is one.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<Option<A>> {
        let mut state = lock(&self.state);
        if let Some(answer) = self.pop(&mut state) {
            return Poll::Ready(Some(answer));
        }
        if state.is_ended {
            return Poll::Ready(None);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => state.waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// The next answer; blocks for it, but not beyond `until`.
    pub(crate) fn receive(&self, until: Option<Instant>) -> Received<A> {
        let mut state = lock(&self.state);
        loop {
            if let Some(answer) = self.pop(&mut state) {
                return Received::Answer(answer);
            }
            if state.is_ended {
                return Received::Ended;
            }
            state.receiver_sleeps = true;
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => wait(&self.filled, state),
                Some(time) if !time.is_zero() => wait_for(&self.filled, state, time),
                Some(_) => {
                    state.receiver_sleeps = false;
                    return Received::TimedOut;
                }
            };
            state.receiver_sleeps = false;
        }
    }

    /// The receiver goes away. `false` when everything had been said.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = lock(&self.state);
        state.is_abandoned = true;
        self.is_abandoned.store(true, Ordering::Release);
        if state.senders_asleep > 0 {
            self.emptied.notify_all();
        }
        !state.is_ended
    }

    /// Whether the receiver has gone away.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    /// Marks the request as withdrawn, while its receiver still waits for an answer.
    pub(crate) fn withdraw(&self) {
        self.is_abandoned.store(true, Ordering::Release);
    }
}

impl<A> fmt::Debug for Channel<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("is_abandoned", &self.is_abandoned)
            .finish_non_exhaustive()
    }
}

#[cfg(not(loom))]
#[cfg(test)]
mod tests;

#[cfg(loom)]
#[cfg(test)]
mod model;
