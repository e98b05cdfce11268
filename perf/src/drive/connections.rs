//! One thread's event loop over its connections.

use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;

use super::flow::Flow;
use super::slot::{Seen, Slot};
use super::talk::{Reply, Talk};
use crate::error::PerfError;
use crate::failure::{Failed, Failure};
use crate::target::Target;

/// How long a connection rests that could not be made.
const REST: Duration = Duration::from_millis(10);
/// How much later than it took too long a request is given up at most, as a part of the time that it may take.
const LATER: u32 = 16;
/// The shortest time between looks for such requests, each of which is at every connection.
const LOOK: Duration = Duration::from_millis(10);
/// What is read at once.
const MEMORY: usize = 256 << 10;
/// The most events that are told at once.
const EVENTS: usize = 256;

/// The connections of one thread.
pub(crate) struct Connections<'a, T, Make> {
    target: &'a Target,
    flow: Flow<'a>,
    make: Make,
    epoll: OwnedFd,
    slots: Vec<Slot<T>>,
    /// Connections on which nothing is under way; those used last come first.
    free: Vec<usize>,
    /// The most connections.
    most: usize,
    /// The request that comes next, of those that take turns.
    call: usize,
    under_way: usize,
    looked: Instant,
    memory: Vec<u8>,
}

impl<'a, T: Talk, Make: Fn() -> T> Connections<'a, T, Make> {
    pub(crate) fn new(
        target: &'a Target,
        flow: Flow<'a>,
        most: usize,
        make: Make,
    ) -> Result<Self, PerfError> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|error| PerfError::system("wait for several connections", error))?;
        let mut slots = Vec::new();
        if !flow.is_open() {
            slots.extend((0..most).map(|_| Slot::new(make())));
        }
        Ok(Self {
            target,
            flow,
            make,
            epoll,
            free: (0..slots.len()).rev().collect(),
            slots,
            most,
            call: 0,
            under_way: 0,
            looked: Instant::now(),
            memory: vec![0; MEMORY],
        })
    }

    /// Sends until it is told to stop, then waits for what is under way.
    pub(crate) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            if !self.flow.turn(now, self.under_way) {
                break;
            }
            self.begin_due(now);
            self.look_for_late(now);
            self.wait(&mut events);
            for event in events.drain(..) {
                let slot = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                let can_send = !(event.flags & (EventFlags::OUT | EventFlags::ERR)).is_empty();
                self.happened(slot, can_send);
            }
        }
        let under_way = self.under_way;
        self.flow.finish(under_way);
    }

    /// Sends what is due, as far as there are connections for it.
    fn begin_due(&mut self, now: Instant) {
        while let Some(slot) = self.flow.rested(now) {
            self.free.push(slot);
        }
        loop {
            if self.free.is_empty() && self.slots.len() < self.most {
                self.free.push(self.slots.len());
                self.slots.push(Slot::new((self.make)()));
            }
            let Some(slot) = self.free.last().copied() else {
                if self.flow.is_open() && self.flow.is_due(now) {
                    self.flow.hold_back(now);
                }
                return;
            };
            // Each of a closed load counts from when it is sent, not from when the first was.
            let now = if self.flow.is_open() {
                now
            } else {
                Instant::now()
            };
            let Some(due) = self.flow.next(now) else {
                return;
            };
            self.free.pop();
            self.begin(slot, due);
        }
    }

    fn begin(&mut self, index: usize, due: Instant) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        self.under_way += 1;
        self.call = self.call.wrapping_add(1);
        let begun = slot.begin(self.target, self.call, due);
        self.flow.sent(due, Instant::now());
        match begun {
            Ok(is_new) => self.watch(index, is_new),
            Err(failed) => self.end(index, Err(failed)),
        }
    }

    /// Has the system tell what is of interest now.
    fn watch(&mut self, index: usize, is_new: bool) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let wants_room = slot.needs_room();
        let Some(socket) = &slot.socket else {
            return;
        };
        let flags = if wants_room {
            EventFlags::IN | EventFlags::OUT
        } else {
            EventFlags::IN
        };
        let data = EventData::new_u64(index as u64);
        let done = if is_new {
            epoll::add(&self.epoll, socket, data, flags)
        } else if wants_room == slot.wants_room {
            Ok(())
        } else {
            epoll::modify(&self.epoll, socket, data, flags)
        };
        slot.wants_room = wants_room;
        if let Err(error) = done {
            let text = std::io::Error::from(error).to_string();
            self.end(index, Err(Failed::new(Failure::Unreachable, text)));
        }
    }

    /// Something happened to a connection.
    fn happened(&mut self, index: usize, can_send: bool) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        match slot.look(can_send, &mut self.memory) {
            Ok(Seen::Nothing) => self.watch(index, false),
            Ok(Seen::Reply(reply)) => self.end(index, Ok(reply)),
            Ok(Seen::Gone) => slot.socket = None,
            Err(_) if slot.due.is_none() => slot.socket = None,
            Err(failed) => self.end(index, Err(failed)),
        }
    }

    /// Notes what became of the request on a connection, and goes on with the next one.
    fn end(&mut self, index: usize, result: Result<Reply, Failed>) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let Some(due) = slot.finish(result.is_ok()) else {
            return;
        };
        self.under_way -= 1;
        let now = Instant::now();
        let is_unreachable = matches!(
            &result,
            Err(failed) if matches!(failed.kind, Failure::Refused | Failure::Unreachable)
        );
        match result {
            Ok(reply) => self.flow.replied(reply, due, now),
            Err(failed) => self.flow.failed(failed, due, now),
        }
        if is_unreachable {
            self.flow.rest(index, now + REST);
            return;
        }
        self.free.push(index);
        // At once, so that the server has the next one while the others are looked at.
        let is_whole = slot_is_whole(self.slots.get(index));
        if is_whole && let Some(due) = self.flow.next(now) {
            self.free.pop();
            self.begin(index, due);
        }
    }

    fn next_look(&self) -> Instant {
        self.looked + LOOK.max(self.flow.timeout() / LATER)
    }

    /// Gives up requests that took too long.
    fn look_for_late(&mut self, now: Instant) {
        if now < self.next_look() {
            return;
        }
        self.looked = now;
        let timeout = self.flow.timeout();
        for index in 0..self.slots.len() {
            let due = self.slots.get(index).and_then(|slot| slot.due);
            if due.is_some_and(|due| now.saturating_duration_since(due) >= timeout) {
                let failed = Failed::new(Failure::TimedOut, "while it was waited for");
                self.end(index, Err(failed));
            }
        }
    }

    /// Waits until something happens or is due.
    fn wait(&self, events: &mut Vec<epoll::Event>) {
        let can_send = !self.free.is_empty() || self.slots.len() < self.most;
        let mut until = self.flow.wake(can_send);
        if self.under_way > 0 {
            until = until.min(self.next_look());
        }
        let time = until.saturating_duration_since(Instant::now());
        let time = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        if self.flow.is_open() && time.tv_sec == 0 && time.tv_nsec > 0 {
            // Waiting for events themselves is only as exact as a millisecond.
            let mut any = [PollFd::new(&self.epoll, PollFlags::IN)];
            poll(&mut any, Some(&time)).ok();
            let none = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            self.events(events, &none);
            return;
        }
        self.events(events, &time);
    }

    /// What happened, at the latest after this time. An interruption is as good as its end.
    fn events(&self, events: &mut Vec<epoll::Event>, time: &Timespec) {
        let room = rustix::buffer::spare_capacity(events);
        epoll::wait(&self.epoll, room, Some(time)).ok();
    }
}

/// Whether a connection can take the next request without being made anew.
fn slot_is_whole<T>(slot: Option<&Slot<T>>) -> bool {
    slot.is_some_and(|slot| slot.socket.is_some())
}
