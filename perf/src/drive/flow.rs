//! What is common to all ways of sending: when the next request is due, what became of those before, when it ends.
//!
//! Times come in; knows no clock and no connection.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::own_use::OwnUse;
use super::talk::Reply;
use crate::failure::{Failed, Failure};
use crate::load::{Dues, Load};
use crate::tally::{Latencies, Tally};

/// What all threads go by.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// When it began.
    pub(crate) began: Instant,
    /// How long the slices are in which what happens is reported.
    pub(crate) window: Duration,
    /// How long a request may take from when it was due.
    pub(crate) timeout: Duration,
    /// Tells that no further request is due.
    pub(crate) stop: &'a AtomicBool,
    /// Tells that nobody waits for answers any more.
    pub(crate) abandon: &'a AtomicBool,
    /// What this thread has to do.
    pub(crate) load: Load,
    /// Which of how many threads it is.
    pub(crate) place: (usize, usize),
}

/// What happened in a slice of time on one thread.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) thread: usize,
    pub(crate) window: usize,
    pub(crate) tally: Tally,
    /// Requests that were sent.
    pub(crate) sent: u64,
    /// How much later than due they were sent, though there was a connection.
    pub(crate) late: Latencies,
    /// Those that were sent late, as every connection was taken.
    pub(crate) held_back: u64,
    pub(crate) used: OwnUse,
    /// Whether it is what came after the end.
    pub(crate) is_tail: bool,
    /// Requests that nobody waited for to the end.
    pub(crate) abandoned: u64,
    /// When the last one was answered, since the beginning.
    pub(crate) last_answer: Duration,
}

/// The requests of one thread.
#[derive(Debug)]
pub(crate) struct Flow<'a> {
    plan: Plan<'a>,
    report: Sender<Report>,
    current: Report,
    used: OwnUse,
    dues: Option<Dues>,
    /// Since when no further request is due.
    stopped: Option<Instant>,
    /// Until when requests that were due had no connection.
    held: Option<Instant>,
    last_answer: Duration,
    /// Requests of a closed load that rest before they try again.
    resting: VecDeque<(Instant, usize)>,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(plan: Plan<'a>, report: Sender<Report>) -> Self {
        let dues = match plan.load {
            Load::Closed { .. } => None,
            Load::Open { rate, arrivals, .. } => Some(Dues::new(rate, arrivals, plan.place)),
        };
        let current = Report {
            thread: plan.place.0,
            ..Report::default()
        };
        Self {
            plan,
            report,
            current,
            used: OwnUse::read(),
            dues,
            stopped: None,
            held: None,
            last_answer: Duration::ZERO,
            resting: VecDeque::new(),
        }
    }

    /// Whether requests are sent whatever becomes of those before.
    pub(crate) const fn is_open(&self) -> bool {
        self.dues.is_some()
    }

    /// Whether further requests are sent.
    pub(crate) const fn is_going_on(&self) -> bool {
        self.stopped.is_none()
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.plan.timeout
    }

    /// Notes that time has passed. Whether to go on while so many requests are under way.
    pub(crate) fn turn(&mut self, now: Instant, under_way: usize) -> bool {
        while now >= self.window_end() {
            self.hand_in(false);
        }
        if self.stopped.is_none() && self.plan.stop.load(Ordering::Relaxed) {
            self.stopped = Some(now);
        }
        let Some(_) = self.stopped else {
            return true;
        };
        if self.plan.abandon.load(Ordering::Relaxed) {
            return false;
        }
        under_way > 0 || self.due().is_some()
    }

    fn window_end(&self) -> Instant {
        let windows = u32::try_from(self.current.window + 1).unwrap_or(u32::MAX);
        self.plan.began + self.plan.window.saturating_mul(windows)
    }

    fn hand_in(&mut self, is_tail: bool) {
        let used = OwnUse::read();
        let next = Report {
            thread: self.plan.place.0,
            window: self.current.window + 1,
            ..Report::default()
        };
        let mut report = std::mem::replace(&mut self.current, next);
        report.used = used.since(self.used);
        report.is_tail = is_tail;
        report.last_answer = self.last_answer;
        self.used = used;
        // Nobody listens any more only if nobody wants to know.
        drop(self.report.send(report));
    }

    /// The last word, with how many requests nobody waited for.
    pub(crate) fn finish(mut self, abandoned: usize) {
        self.current.abandoned = u64::try_from(abandoned).unwrap_or(u64::MAX);
        self.hand_in(true);
    }

    /// When the next request of an open load is due, if there is one.
    fn due(&self) -> Option<Instant> {
        let due = self.plan.began + self.dues.as_ref()?.next();
        self.stopped
            .is_none_or(|stopped| due <= stopped)
            .then_some(due)
    }

    /// The time from which a request counts that is to be sent now, if one is.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.dues.is_none() {
            return self.stopped.is_none().then_some(now);
        }
        loop {
            let due = self.due().filter(|due| *due <= now)?;
            if let Some(dues) = &mut self.dues {
                dues.advance();
            }
            if now.saturating_duration_since(due) < self.plan.timeout {
                return Some(due);
            }
            // Whoever waits for it has gone before it was sent.
            self.failed(
                Failed::new(Failure::TimedOut, "before it was sent"),
                due,
                now,
            );
        }
    }

    /// Whether a request is due now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Notes that what is due has no connection.
    pub(crate) const fn hold_back(&mut self, now: Instant) {
        self.held = Some(now);
    }

    /// Notes that the request was sent which was due then.
    pub(crate) fn sent(&mut self, due: Instant, now: Instant) {
        self.current.sent += 1;
        if self.dues.is_none() {
            return;
        }
        if self.held.is_some_and(|held| due <= held) {
            self.current.held_back += 1;
        } else {
            let late = now.saturating_duration_since(due);
            self.current.late.record(late);
        }
    }

    /// Notes what became of a request.
    pub(crate) fn replied(&mut self, reply: Reply, due: Instant, now: Instant) {
        let latency = now.saturating_duration_since(due);
        let tally = &mut self.current.tally;
        if let Some(failed) = reply.failed {
            tally.failed(failed, latency);
            return;
        }
        tally.answered.record(latency);
        tally.responses += u64::from(reply.responses);
        if let Some(first) = reply.first {
            tally.first.record(first.saturating_duration_since(due));
        }
        self.last_answer = now.saturating_duration_since(self.plan.began);
    }

    pub(crate) fn failed(&mut self, failed: Failed, due: Instant, now: Instant) {
        let latency = now.saturating_duration_since(due);
        self.current.tally.failed(failed, latency);
    }

    /// Has a connection of a closed load rest.
    pub(crate) fn rest(&mut self, slot: usize, until: Instant) {
        self.resting.push_back((until, slot));
    }

    /// A connection that has rested.
    pub(crate) fn rested(&mut self, now: Instant) -> Option<usize> {
        let (until, slot) = self.resting.front().copied()?;
        (until <= now).then(|| self.resting.pop_front())?;
        Some(slot)
    }

    /// When there is something to do again, whatever happens until then. Nothing can be sent without a connection.
    pub(crate) fn wake(&self, can_send: bool) -> Instant {
        let rested = self.resting.front().map(|(until, _)| *until);
        let due = self.due().filter(|_| can_send);
        let times = [due, rested].into_iter().flatten();
        times.fold(self.window_end(), Instant::min)
    }
}
