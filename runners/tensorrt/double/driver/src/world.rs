//! What there is in this process: uses of contexts, streams, graphs, pinned memory, and the fault after which nothing works any more.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::code::{
    CAPTURE_UNSUPPORTED, Code, INVALID_CONTEXT, INVALID_HANDLE, NOT_INITIALIZED, NOT_PERMITTED,
};
use crate::counters::{Counter, count};
use crate::stream::{Stream, Work, is_in_host_function};

/// Everything with a handle.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) streams: HashMap<usize, Arc<Stream>>,
    pub(crate) graphs: HashMap<usize, Arc<Vec<Work>>>,
    /// Device to the number of its uses.
    pub(crate) retained: BTreeMap<i32, u32>,
    /// Start to length.
    pub(crate) pinned: BTreeMap<usize, usize>,
}

static WORLD: Mutex<Option<World>> = Mutex::new(None);
static IS_INITIALIZED: AtomicBool = AtomicBool::new(false);
static FAULT: AtomicI32 = AtomicI32::new(0);
static NEXT: AtomicUsize = AtomicUsize::new(0x10_0000);

thread_local! {
    static CURRENT: Cell<Option<i32>> = const { Cell::new(None) };
    /// The stream that this thread records, which forbids it some calls.
    static RECORDED: Cell<usize> = const { Cell::new(0) };
}

/// A handle that no other thing has. It is no address of anything.
pub(crate) fn next_handle() -> usize {
    NEXT.fetch_add(0x40, Ordering::Relaxed)
}

pub(crate) fn with<T>(change: impl FnOnce(&mut World) -> T) -> T {
    let mut world: MutexGuard<'_, Option<World>> =
        WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    change(world.get_or_insert_default())
}

pub(crate) fn initialize() {
    IS_INITIALIZED.store(true, Ordering::Relaxed);
}

/// What a device failed with.
pub(crate) fn fault() -> Option<Code> {
    Some(FAULT.load(Ordering::Acquire)).filter(|&code| code != 0)
}

pub(crate) fn set_fault(code: Code) {
    count(Counter::Faults, 1);
    FAULT.store(code, Ordering::Release);
}

/// Whether anything can be asked now.
pub(crate) fn ready() -> Result<(), Code> {
    if !IS_INITIALIZED.load(Ordering::Relaxed) {
        count(Counter::Misuses, 1);
        return Err(NOT_INITIALIZED);
    }
    if is_in_host_function() {
        count(Counter::Misuses, 1);
        return Err(NOT_PERMITTED);
    }
    fault().map_or(Ok(()), Err)
}

/// The device that is in use for this thread.
pub(crate) fn current() -> Result<i32, Code> {
    ready()?;
    let current = CURRENT.get();
    let retained = current.filter(|device| with(|world| world.retained.contains_key(device)));
    if retained.is_none() {
        count(Counter::Misuses, 1);
    }
    retained.ok_or(INVALID_CONTEXT)
}

pub(crate) fn set_current(device: Option<i32>) {
    CURRENT.set(device);
}

pub(crate) fn stream(handle: usize) -> Result<Arc<Stream>, Code> {
    let found = with(|world| world.streams.get(&handle).cloned());
    if found.is_none() {
        count(Counter::Misuses, 1);
    }
    found.ok_or(INVALID_HANDLE)
}

pub(crate) fn set_recorded(stream: Option<usize>) {
    RECORDED.set(stream.unwrap_or(0));
}

/// Refuses what must not be called by a thread that records, and spoils the recording as the driver does.
pub(crate) fn not_while_recording() -> Result<(), Code> {
    let recorded = RECORDED.get();
    if recorded == 0 {
        return Ok(());
    }
    count(Counter::Misuses, 1);
    if let Ok(stream) = stream(recorded) {
        stream.invalidate();
    }
    Err(CAPTURE_UNSUPPORTED)
}

/// Waits until no stream has anything to do but those that are recorded.
pub(crate) fn wait_for_all() {
    let all = with(|world| world.streams.values().cloned().collect::<Vec<_>>());
    for stream in all.iter().filter(|stream| !stream.is_recorded()) {
        // One that began to be recorded meanwhile has nothing to do either.
        let _is_idle = stream.wait();
    }
}
