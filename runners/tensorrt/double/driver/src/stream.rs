//! A stream: a thread that does what was queued, in that order, while who queued it goes on.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::code::{CAPTURE_INVALIDATED, CAPTURE_UNMATCHED, CAPTURE_UNSUPPORTED, Code};
use crate::counters::{Counter, count};
use crate::facts::facts;
use crate::graph::Recording;
use crate::memory::memory;
use crate::world;

/// What a host function is.
pub(crate) type HostFunction = unsafe extern "C" fn(*mut c_void);

/// A piece of work.
#[derive(Clone)]
pub(crate) enum Work {
    /// A copy to the device: of pinned memory, read when it is done, or of bytes as they were.
    In(u64, Source),
    /// A copy from the device to an address of the host.
    Out(usize, u64, usize),
    /// A function and what it is told.
    Call(HostFunction, usize),
    /// All of a recording.
    Launch(Arc<Vec<Work>>),
}

/// What is copied to the device.
#[derive(Clone)]
pub(crate) enum Source {
    /// Address and length of memory that stays.
    Pinned(usize, usize),
    /// Bytes as they were.
    Taken(Arc<[u8]>),
}

/// A stream, until it is destroyed.
pub(crate) struct Stream {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queued: VecDeque<Work>,
    is_busy: bool,
    is_over: bool,
    recording: Option<Recording>,
}

thread_local! {
    /// Whether this thread is a stream's.
    static IS_STREAM: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether a host function is running on this thread, which may call nothing.
pub(crate) fn is_in_host_function() -> bool {
    IS_STREAM.get()
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        IS_STREAM.set(true);
        loop {
            let mut state = self.state();
            state.is_busy = false;
            self.changed.notify_all();
            let work = loop {
                if let Some(work) = state.queued.pop_front() {
                    break work;
                }
                if state.is_over {
                    return;
                }
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            };
            state.is_busy = true;
            drop(state);
            let latency = facts().latency;
            if !latency.is_zero() {
                std::thread::park_timeout(latency);
            }
            // After a fault a device does nothing more.
            if world::fault().is_none()
                && let Err(code) = done(&work)
            {
                world::set_fault(code);
            }
        }
    }
}

fn done(work: &Work) -> Result<(), Code> {
    match work {
        Work::In(to, source) => {
            let (from, bytes) = match source {
                Source::Pinned(from, bytes) => {
                    (std::ptr::with_exposed_provenance::<u8>(*from), *bytes)
                }
                Source::Taken(taken) => (taken.as_ptr(), taken.len()),
            };
            let to = memory()?.reach(*to, bytes)?;
            // SAFETY: both hold so many bytes; who queued the copy keeps the host's until it is done.
            unsafe { to.copy_from(from, bytes) };
        }
        Work::Out(to, from, bytes) => {
            let from = memory()?.reach(*from, *bytes)?;
            let to = std::ptr::with_exposed_provenance_mut::<u8>(*to);
            // SAFETY: as above.
            unsafe { to.copy_from(from, *bytes) };
        }
        Work::Call(function, told) => {
            let told = std::ptr::with_exposed_provenance_mut(*told);
            // SAFETY: who queued it keeps what it is told of until it is done.
            unsafe { function(told) };
        }
        Work::Launch(recorded) => {
            count(Counter::Launches, 1);
            for work in recorded.iter() {
                done(work)?;
            }
        }
    }
    Ok(())
}

impl Stream {
    /// A stream with nothing to do.
    pub(crate) fn start() -> Option<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("double-stream".to_owned());
        let thread = thread.spawn(move || of_thread.work()).ok()?;
        count(Counter::Streams, 1);
        Some(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues work, or records it.
    pub(crate) fn queue(&self, work: Work) -> Result<(), Code> {
        let mut state = self.shared.state();
        if let Some(recording) = &mut state.recording {
            return recording.add(work);
        }
        state.queued.push_back(work);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Waits until all is done.
    pub(crate) fn wait(&self) -> Result<(), Code> {
        let mut state = self.shared.state();
        if let Some(recording) = &mut state.recording {
            recording.invalidate();
            count(Counter::Misuses, 1);
            return Err(CAPTURE_UNSUPPORTED);
        }
        while state.is_busy || !state.queued.is_empty() {
            let changed = &self.shared.changed;
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Whether it is recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        self.shared.state().recording.is_some()
    }

    /// From here on records.
    pub(crate) fn begin(&self) -> Result<(), Code> {
        let mut state = self.shared.state();
        if state.recording.is_some() {
            return Err(CAPTURE_UNSUPPORTED);
        }
        state.recording = Some(Recording::default());
        Ok(())
    }

    /// What was recorded.
    pub(crate) fn end(&self) -> Result<Vec<Work>, Code> {
        let recording = self.shared.state().recording.take();
        let recording = recording.ok_or(CAPTURE_UNMATCHED)?;
        recording.into_work().ok_or(CAPTURE_INVALIDATED)
    }

    /// Makes what is being recorded useless, as a call that is not allowed meanwhile does.
    pub(crate) fn invalidate(&self) {
        if let Some(recording) = &mut self.shared.state().recording {
            recording.invalidate();
        }
    }

    /// Ends it once all is done.
    pub(crate) fn destroy(&self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            drop(thread.join());
            count(Counter::Streams, -1);
        }
    }
}
