//! The functions that others find by name.

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};
use std::sync::Arc;

use crate::code::{
    Code, INVALID_CONTEXT, INVALID_DEVICE, INVALID_HANDLE, INVALID_VALUE, NO_DEVICE,
    NOT_INITIALIZED, OUT_OF_MEMORY, SUCCESS, words,
};
use crate::counters::{Counter, count, count_for_library};
use crate::facts::facts;
use crate::memory::memory;
use crate::stream::{HostFunction, Source, Stream, Work};
use crate::world::{self, current, not_while_recording, ready, stream, with};

/// A handle as others hold it.
type Handle = *mut c_void;

fn handle(number: usize) -> Handle {
    std::ptr::without_provenance_mut(number)
}

fn code(result: Result<(), Code>) -> Code {
    result.err().unwrap_or(SUCCESS)
}

/// Writes what was asked for.
fn give<T>(place: *mut T, value: T) -> Result<(), Code> {
    if place.is_null() {
        return Err(INVALID_VALUE);
    }
    // SAFETY: whoever calls gives a place for this type or null.
    unsafe { place.write(value) };
    Ok(())
}

fn known(device: c_int) -> Result<(), Code> {
    if (0..facts().devices).contains(&device) {
        Ok(())
    } else {
        Err(INVALID_DEVICE)
    }
}

/// The handle of a device's primary context.
fn context_of(device: c_int) -> Handle {
    handle(0x100 + 0x10 * usize::try_from(device).unwrap_or(0))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuInit(flags: c_uint) -> Code {
    if flags != 0 {
        return INVALID_VALUE;
    }
    if facts().devices == 0 {
        return NO_DEVICE;
    }
    world::initialize();
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDriverGetVersion(version: *mut c_int) -> Code {
    code(give(version, facts().cuda))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGetErrorName(error: Code, text: *mut *const c_char) -> Code {
    let found = words(error).map_or(std::ptr::null(), |(name, _)| name.as_ptr());
    let given = code(give(text, found));
    if found.is_null() {
        INVALID_VALUE
    } else {
        given
    }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGetErrorString(error: Code, text: *mut *const c_char) -> Code {
    let found = words(error).map_or(std::ptr::null(), |(_, words)| words.as_ptr());
    let given = code(give(text, found));
    if found.is_null() {
        INVALID_VALUE
    } else {
        given
    }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceGetCount(total: *mut c_int) -> Code {
    if facts().devices == 0 {
        return NOT_INITIALIZED;
    }
    code(ready().and_then(|()| give(total, facts().devices)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> Code {
    let known = ready().and_then(|()| known(ordinal));
    code(known.and_then(|()| give(device, ordinal)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceGetName(
    place: *mut c_char,
    room: c_int,
    device: c_int,
) -> Code {
    if let Err(error) = known(device) {
        return error;
    }
    let name = facts().name.as_bytes();
    let room = usize::try_from(room).unwrap_or(0);
    if place.is_null() || room == 0 {
        return INVALID_VALUE;
    }
    let length = name.len().min(room - 1);
    // SAFETY: there is so much room.
    let room = unsafe { std::slice::from_raw_parts_mut(place.cast::<u8>(), length + 1) };
    for (to, from) in room.iter_mut().zip(name.iter().chain([&0])) {
        *to = *from;
    }
    if let Some(end) = room.last_mut() {
        *end = 0;
    }
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceGetUuid_v2(uuid: *mut [u8; 16], device: c_int) -> Code {
    let mut bytes = *b"nav double GPU\0\0";
    if let (Some(last), Ok(number)) = (bytes.last_mut(), u8::try_from(device)) {
        *last = number;
    }
    code(known(device).and_then(|()| give(uuid, bytes)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) -> Code {
    code(known(device).and_then(|()| give(bytes, facts().memory_bytes)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDeviceGetAttribute(
    value: *mut c_int,
    which: c_int,
    device: c_int,
) -> Code {
    let (major, minor) = facts().capability;
    let found = match which {
        75 => major,
        76 => minor,
        _ => return INVALID_VALUE,
    };
    code(known(device).and_then(|()| give(value, found)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDevicePrimaryCtxRetain(
    context: *mut Handle,
    device: c_int,
) -> Code {
    code((|| {
        ready()?;
        known(device)?;
        give(context, context_of(device))?;
        with(|world| *world.retained.entry(device).or_default() += 1);
        count(Counter::Contexts, 1);
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> Code {
    let is_released = with(|world| {
        let Some(uses) = world.retained.get_mut(&device) else {
            return false;
        };
        *uses -= 1;
        if *uses == 0 {
            world.retained.remove(&device);
        }
        true
    });
    if !is_released {
        return INVALID_CONTEXT;
    }
    count(Counter::Contexts, -1);
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuCtxSetCurrent(context: Handle) -> Code {
    if let Err(error) = ready() {
        return error;
    }
    if context.is_null() {
        world::set_current(None);
        return SUCCESS;
    }
    let device = (0..facts().devices).find(|&device| context_of(device) == context);
    let retained = device.filter(|device| with(|world| world.retained.contains_key(device)));
    if retained.is_none() {
        return INVALID_CONTEXT;
    }
    world::set_current(retained);
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuCtxGetDevice(device: *mut c_int) -> Code {
    code(current().and_then(|found| give(device, found)))
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> Code {
    code((|| {
        current()?;
        let (is_free, of) = memory()?.info();
        give(free, is_free)?;
        give(total, of)
    })())
}

/// Pinned memory has a place that holds its length, for when it is freed.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemHostAlloc(
    place: *mut Handle,
    bytes: usize,
    _: c_uint,
) -> Code {
    code((|| {
        current()?;
        not_while_recording()?;
        if bytes == 0 {
            return Err(INVALID_VALUE);
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at a place that the system chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(OUT_OF_MEMORY);
        }
        with(|world| world.pinned.insert(start.expose_provenance(), bytes));
        count(Counter::HostBuffers, 1);
        give(place, start)
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemFreeHost(start: Handle) -> Code {
    code((|| {
        current()?;
        not_while_recording()?;
        let bytes = with(|world| world.pinned.remove(&start.addr()));
        let bytes = bytes.ok_or(INVALID_VALUE)?;
        world::wait_for_all();
        // SAFETY: it was mapped so long by `cuMemHostAlloc`, and nothing works with it.
        unsafe { libc::munmap(start, bytes) };
        count(Counter::HostBuffers, -1);
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemAlloc_v2(address: *mut c_ulonglong, bytes: usize) -> Code {
    code((|| {
        current()?;
        not_while_recording()?;
        give(address, memory()?.allocate(bytes)?)
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemFree_v2(address: c_ulonglong) -> Code {
    code((|| {
        current()?;
        not_while_recording()?;
        world::wait_for_all();
        memory()?.free(address)
    })())
}

/// Whether memory of the host is pinned from there on, so far.
fn is_pinned(start: usize, bytes: usize) -> bool {
    with(|world| {
        let below = world.pinned.range(..=start).next_back();
        below.is_some_and(|(&first, &length)| start - first + bytes <= length)
    })
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: c_ulonglong,
    from: *const c_void,
    bytes: usize,
    queue: Handle,
) -> Code {
    code((|| {
        current()?;
        let stream = stream(queue.addr())?;
        memory()?.reach(to, bytes).map_err(|_| INVALID_VALUE)?;
        let start = from.expose_provenance();
        let source = if is_pinned(start, bytes) {
            Source::Pinned(start, bytes)
        } else {
            // SAFETY: whoever calls has so many bytes there.
            let taken = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes) };
            Source::Taken(Arc::from(taken))
        };
        stream.queue(Work::In(to, source))
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: c_ulonglong,
    bytes: usize,
    queue: Handle,
) -> Code {
    code((|| {
        current()?;
        let stream = stream(queue.addr())?;
        memory()?.reach(from, bytes).map_err(|_| INVALID_VALUE)?;
        let place = to.expose_provenance();
        let is_pinned = is_pinned(place, bytes);
        stream.queue(Work::Out(place, from, bytes))?;
        // A copy to memory that may be paged out has ended when the call has.
        if is_pinned || stream.is_recorded() {
            return Ok(());
        }
        stream.wait()
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuLaunchHostFunc(
    queue: Handle,
    function: Option<HostFunction>,
    told: *mut c_void,
) -> Code {
    code((|| {
        ready()?;
        let function = function.ok_or(INVALID_VALUE)?;
        stream(queue.addr())?.queue(Work::Call(function, told.expose_provenance()))
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamCreate(place: *mut Handle, _: c_uint) -> Code {
    code((|| {
        current()?;
        let stream = Stream::start().ok_or(OUT_OF_MEMORY)?;
        let number = world::next_handle();
        with(|world| world.streams.insert(number, Arc::new(stream)));
        give(place, handle(number))
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamDestroy_v2(queue: Handle) -> Code {
    let stream = with(|world| world.streams.remove(&queue.addr()));
    let Some(stream) = stream else {
        return INVALID_HANDLE;
    };
    stream.destroy();
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamSynchronize(queue: Handle) -> Code {
    code((|| {
        ready()?;
        stream(queue.addr())?.wait()?;
        world::fault().map_or(Ok(()), Err)
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamIsCapturing(queue: Handle, status: *mut c_int) -> Code {
    code((|| {
        ready()?;
        give(status, c_int::from(stream(queue.addr())?.is_recorded()))
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamBeginCapture_v2(queue: Handle, _: c_uint) -> Code {
    code((|| {
        ready()?;
        stream(queue.addr())?.begin()?;
        world::set_recorded(Some(queue.addr()));
        Ok(())
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuStreamEndCapture(queue: Handle, graph: *mut Handle) -> Code {
    code((|| {
        ready()?;
        world::set_recorded(None);
        give(graph, std::ptr::null_mut())?;
        let work = stream(queue.addr())?.end()?;
        give(graph, keep(Arc::new(work)))
    })())
}

fn keep(work: Arc<Vec<Work>>) -> Handle {
    let number = world::next_handle();
    with(|world| world.graphs.insert(number, work));
    count(Counter::Graphs, 1);
    handle(number)
}

fn graph(number: usize) -> Result<Arc<Vec<Work>>, Code> {
    let found = with(|world| world.graphs.get(&number).cloned());
    found.ok_or(INVALID_HANDLE)
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGraphInstantiateWithFlags(
    exec: *mut Handle,
    recording: Handle,
    _: c_ulonglong,
) -> Code {
    code((|| {
        ready()?;
        give(exec, keep(graph(recording.addr())?))
    })())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGraphLaunch(exec: Handle, queue: Handle) -> Code {
    code((|| {
        ready()?;
        stream(queue.addr())?.queue(Work::Launch(graph(exec.addr())?))
    })())
}

fn forget(number: usize) -> Code {
    if with(|world| world.graphs.remove(&number)).is_none() {
        return INVALID_HANDLE;
    }
    count(Counter::Graphs, -1);
    SUCCESS
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGraphExecDestroy(exec: Handle) -> Code {
    forget(exec.addr())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn cuGraphDestroy(recording: Handle) -> Code {
    forget(recording.addr())
}

/// Where the bytes of a range of device memory are, for a library that computes with this driver; null, and a fault, where it is
/// not within one allocation. No function of the true driver's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn nav_double_reach(
    address: c_ulonglong,
    bytes: usize,
) -> *mut c_void {
    match memory().and_then(|memory| memory.reach(address, bytes)) {
        Ok(place) => place.cast(),
        Err(error) => {
            world::set_fault(error);
            std::ptr::null_mut()
        }
    }
}

/// Has the device fail as a kernel that crashes does. No function of the true driver's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn nav_double_fault(code: Code) {
    world::set_fault(code);
}

/// Counts for a library that computes with this driver. No function of the true driver's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn nav_double_count(which: c_int, by: i64) {
    count_for_library(which, by);
}
