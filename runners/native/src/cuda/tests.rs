//! The driver's interface over a driver made of tables: copies are done when a stream is waited for, and not before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};
use std::path::PathBuf;

use super::functions::{Functions, NO_DEVICE, NOT_INITIALIZED};
use super::*;

/// Work that a stream has not done yet.
#[derive(Clone)]
enum Work {
    In(u64, Vec<u8>),
    Out(usize, u64, usize),
    Launch(usize),
}

#[derive(Default)]
struct World {
    has_no_device: bool,
    refuses_memory: bool,
    device_memory: HashMap<u64, Vec<u8>>,
    host_memory: HashMap<usize, Vec<u64>>,
    streams: HashMap<usize, Vec<Work>>,
    capturing: Option<usize>,
    graphs: HashMap<usize, Vec<Work>>,
    retained: i32,
    counter: usize,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

fn with<T>(change: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(change)
}

impl World {
    fn next(&mut self) -> usize {
        self.counter += 0x1000;
        self.counter
    }

    fn queue(&mut self, stream: *mut c_void, work: Work) -> c_int {
        match self.streams.get_mut(&stream.addr()) {
            Some(queued) => queued.push(work),
            None => return 400,
        }
        0
    }

    fn work(&mut self, work: Work) {
        match work {
            Work::In(to, bytes) => {
                self.device_memory.get_mut(&to).unwrap()[..bytes.len()].copy_from_slice(&bytes);
            }
            Work::Out(to, from, count) => {
                let from = &self.device_memory[&from][..count];
                let to = std::ptr::with_exposed_provenance_mut::<u8>(to);
                // SAFETY: the buffer is borrowed until the stream was waited for, which is now.
                unsafe { to.copy_from_nonoverlapping(from.as_ptr(), count) };
            }
            Work::Launch(graph) => {
                for work in self.graphs[&graph].clone() {
                    self.work(work);
                }
            }
        }
    }
}

macro_rules! place {
    ($place:expr, $value:expr) => {{
        let value = $value;
        // SAFETY: whoever calls gives a valid place.
        unsafe { $place.write(value) };
        0
    }};
}

extern "C" fn init(_: c_uint) -> c_int {
    if with(|it| it.has_no_device) {
        NO_DEVICE
    } else {
        0
    }
}
extern "C" fn driver_version(to: *mut c_int) -> c_int {
    place!(to, 13_010)
}
extern "C" fn error_name(code: c_int, to: *mut *const c_char) -> c_int {
    if code != 2 {
        return 1;
    }
    place!(to, c"CUDA_ERROR_OUT_OF_MEMORY".as_ptr())
}
extern "C" fn error_string(code: c_int, to: *mut *const c_char) -> c_int {
    if code != 2 {
        return 1;
    }
    place!(to, c"out of memory".as_ptr())
}
extern "C" fn device_count(to: *mut c_int) -> c_int {
    if with(|it| it.has_no_device) {
        return NOT_INITIALIZED;
    }
    place!(to, 2)
}
extern "C" fn device(to: *mut c_int, ordinal: c_int) -> c_int {
    place!(to, 10 + ordinal)
}
extern "C" fn device_name(to: *mut c_char, room: c_int, device: c_int) -> c_int {
    let name = format!("Some GPU {device}\0");
    assert!(c_int::try_from(name.len()).unwrap() <= room);
    // SAFETY: there is so much room.
    unsafe { to.copy_from_nonoverlapping(name.as_ptr().cast(), name.len()) };
    0
}
extern "C" fn device_uuid(to: *mut [u8; 16], _: c_int) -> c_int {
    place!(
        to,
        std::array::from_fn(|at| u8::try_from(at).unwrap() * 0x11)
    )
}
extern "C" fn device_memory(to: *mut usize, _: c_int) -> c_int {
    place!(to, 1 << 37)
}
extern "C" fn device_attribute(to: *mut c_int, which: c_int, _: c_int) -> c_int {
    place!(to, if which == 75 { 9 } else { 0 })
}
extern "C" fn retain_context(to: *mut *mut c_void, device: c_int) -> c_int {
    with(|it| it.retained += 1);
    place!(
        to,
        std::ptr::without_provenance_mut(usize::try_from(device).unwrap())
    )
}
extern "C" fn release_context(_: c_int) -> c_int {
    with(|it| it.retained -= 1);
    0
}
extern "C" fn set_context(context: *mut c_void) -> c_int {
    if context.is_null() { 201 } else { 0 }
}
extern "C" fn memory_info(free: *mut usize, total: *mut usize) -> c_int {
    place!(free, 3);
    place!(total, 5)
}
extern "C" fn allocate_host(to: *mut *mut c_void, bytes: usize, _: c_uint) -> c_int {
    if with(|it| it.refuses_memory) {
        return 2;
    }
    let mut memory = vec![u64::MAX; bytes.div_ceil(8)];
    let start = memory.as_mut_ptr();
    with(|it| it.host_memory.insert(start.addr(), memory));
    place!(to, start.cast())
}
extern "C" fn free_host(start: *mut c_void) -> c_int {
    with(|it| it.host_memory.remove(&start.addr()).unwrap());
    0
}
extern "C" fn allocate(to: *mut c_ulonglong, bytes: usize) -> c_int {
    let address = with(|it| {
        let address = it.next() as u64;
        it.device_memory.insert(address, vec![0xee; bytes]);
        address
    });
    place!(to, address)
}
extern "C" fn free(address: c_ulonglong) -> c_int {
    with(|it| it.device_memory.remove(&address).unwrap());
    0
}
extern "C" fn copy_in(
    to: c_ulonglong,
    from: *const c_void,
    bytes: usize,
    stream: *mut c_void,
) -> c_int {
    // SAFETY: whoever calls has so many bytes there.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), bytes) };
    with(|it| it.queue(stream, Work::In(to, bytes.to_vec())))
}
extern "C" fn copy_out(
    to: *mut c_void,
    from: c_ulonglong,
    bytes: usize,
    stream: *mut c_void,
) -> c_int {
    let to = to.expose_provenance();
    with(|it| it.queue(stream, Work::Out(to, from, bytes)))
}
extern "C" fn create_stream(to: *mut *mut c_void, _: c_uint) -> c_int {
    let stream = with(|it| {
        let stream = it.next();
        it.streams.insert(stream, Vec::new());
        stream
    });
    place!(to, std::ptr::without_provenance_mut(stream))
}
extern "C" fn destroy_stream(stream: *mut c_void) -> c_int {
    with(|it| it.streams.remove(&stream.addr()).unwrap());
    0
}
extern "C" fn synchronize(stream: *mut c_void) -> c_int {
    with(|it| {
        let queued = std::mem::take(it.streams.get_mut(&stream.addr()).unwrap());
        for work in queued {
            it.work(work);
        }
    });
    0
}
extern "C" fn begin_capture(stream: *mut c_void, _: c_uint) -> c_int {
    with(|it| it.capturing = Some(stream.addr()));
    0
}
extern "C" fn end_capture(stream: *mut c_void, to: *mut *mut c_void) -> c_int {
    let graph = with(|it| {
        assert_eq!(it.capturing.take(), Some(stream.addr()));
        let recorded = std::mem::take(it.streams.get_mut(&stream.addr()).unwrap());
        let graph = it.next();
        it.graphs.insert(graph, recorded);
        graph
    });
    place!(to, std::ptr::without_provenance_mut(graph))
}
extern "C" fn instantiate(to: *mut *mut c_void, graph: *mut c_void, _: c_ulonglong) -> c_int {
    let exec = with(|it| {
        let exec = it.next();
        let recorded = it.graphs[&graph.addr()].clone();
        it.graphs.insert(exec, recorded);
        exec
    });
    place!(to, std::ptr::without_provenance_mut(exec))
}
extern "C" fn launch(exec: *mut c_void, stream: *mut c_void) -> c_int {
    with(|it| it.queue(stream, Work::Launch(exec.addr())))
}
extern "C" fn destroy(graph: *mut c_void) -> c_int {
    with(|it| it.graphs.remove(&graph.addr()).unwrap());
    0
}

fn driver() -> Driver {
    let functions = Functions {
        init,
        driver_version,
        error_name,
        error_string,
        device_count,
        device,
        device_name,
        device_uuid,
        device_memory,
        device_attribute,
        retain_context,
        release_context,
        set_context,
        memory_info,
        allocate_host,
        free_host,
        allocate,
        free,
        copy_in,
        copy_out,
        create_stream,
        destroy_stream,
        synchronize,
        begin_capture,
        end_capture,
        instantiate,
        launch,
        destroy_exec: destroy,
        destroy_graph: destroy,
        _library: None,
    };
    Driver::of_functions(functions, PathBuf::from("/tables")).unwrap()
}

#[test]
fn devices_are_listed_without_taking_one_into_use() {
    let driver = driver();
    let devices = driver.devices().unwrap();
    assert_eq!(driver.cuda_version().unwrap(), "13.1");
    assert_eq!(devices.len(), 2);
    assert_eq!(
        devices[1],
        DeviceFacts {
            number: 1,
            name: "Some GPU 11".to_owned(),
            uuid: "GPU-00112233-4455-6677-8899-aabbccddeeff".to_owned(),
            memory_bytes: 1 << 37,
            compute_capability: "9.0".to_owned(),
        }
    );
    assert_eq!(with(|it| it.retained), 0);
    let none = Context::of_device(&driver, 2).unwrap_err();
    assert_eq!(none.to_string(), "there is no GPU 2, of 2");
    assert!(Context::of_device(&driver, u32::MAX).is_err());
}

#[test]
fn a_driver_without_a_gpu_lists_none() {
    with(|it| it.has_no_device = true);
    let driver = driver();
    assert_eq!(driver.devices(), Ok(Vec::new()));
    let none = Context::of_device(&driver, 0).unwrap_err();
    assert_eq!(
        none,
        CudaError::NoDevice {
            number: 0,
            count: 0
        }
    );
}

#[test]
fn work_is_done_when_finish_returns_and_all_memory_is_given_back() {
    let context = Context::of_device(&driver(), 0).unwrap();
    assert_eq!(
        context.memory(),
        Ok(DeviceMemory {
            free_bytes: 3,
            total_bytes: 5
        })
    );
    let mut from = PinnedBuffer::new(&context, 5).unwrap();
    let mut to = PinnedBuffer::new(&context, 5).unwrap();
    assert_eq!(from.as_slice(), [0; 5]);
    from.as_mut_slice().copy_from_slice(&[1, 2, 3, 4, 5]);
    let between = DeviceBuffer::new(&context, 5).unwrap();
    let stream = Stream::new(&context).unwrap();
    let done: Result<(), CudaError> = stream.finish(|queue| {
        queue.copy_in(&from, &between, 5)?;
        queue.copy_out(&between, &mut to, 3)
    });
    done.unwrap();
    assert_eq!(to.as_slice(), [1, 2, 3, 0, 0]);
    let more: Result<(), CudaError> = stream.finish(|queue| queue.copy_in(&from, &between, 6));
    let expected = CudaError::TooLarge {
        wanted: 6,
        capacity: 5,
    };
    assert_eq!(more, Err(expected));
    drop((from, to, between, stream, context));
    with(|it| {
        assert!(it.device_memory.is_empty() && it.host_memory.is_empty());
        assert!(it.streams.is_empty());
        assert_eq!(it.retained, 0);
    });
}

#[test]
fn what_was_queued_before_an_error_is_waited_for() {
    let context = Context::of_device(&driver(), 0).unwrap();
    let mut to = PinnedBuffer::new(&context, 2).unwrap();
    let between = DeviceBuffer::new(&context, 2).unwrap();
    let stream = Stream::new(&context).unwrap();
    let failed: Result<(), CudaError> = stream.finish(|queue| {
        queue.copy_out(&between, &mut to, 2)?;
        Err(CudaError::NoDriver)
    });
    assert_eq!(failed, Err(CudaError::NoDriver));
    assert_eq!(to.as_slice(), [0xee; 2]);
}

#[test]
fn a_recording_runs_only_when_it_is_launched_and_as_often() {
    let context = Context::of_device(&driver(), 0).unwrap();
    let between = DeviceBuffer::new(&context, 1).unwrap();
    let stream = Stream::new(&context).unwrap();
    let graph: Result<Graph, CudaError> = stream.capture(|raw| {
        let one = [7_u8];
        assert_eq!(copy_in(between.address(), one.as_ptr().cast(), 1, raw), 0);
        Ok(())
    });
    let graph = graph.unwrap();
    let lies_there = || with(|it| it.device_memory[&between.address()][0]);
    assert_eq!(lies_there(), 0xee);
    for _ in 0..2 {
        let launched: Result<(), CudaError> = stream.finish(|queue| queue.launch(&graph));
        launched.unwrap();
        assert_eq!(lies_there(), 7);
        with(|it| it.device_memory.get_mut(&between.address()).unwrap()[0] = 1);
    }
    drop(graph);
    assert!(with(|it| it.graphs.is_empty()));
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_driver() {
    let context = Context::of_device(&driver(), 0).unwrap();
    with(|it| it.refuses_memory = true);
    let refused = PinnedBuffer::new(&context, 8).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cuMemHostAlloc: out of memory (CUDA_ERROR_OUT_OF_MEMORY)"
    );
}

#[test]
fn a_library_that_is_no_driver_is_refused_with_what_it_lacks() {
    let open = |path: &str| Driver::open_at(std::path::Path::new(path)).unwrap_err();
    let CudaError::Unusable { reason, .. } = open("/nowhere/libcuda.so.1") else {
        panic!("it was opened");
    };
    assert!(reason.contains("/nowhere/libcuda.so.1"), "{reason}");
    // A library that every program has, found as the system tells of it.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let library = maps
        .split_ascii_whitespace()
        .find(|word| word.contains("/libc.so"));
    let refused = open(library.unwrap()).to_string();
    assert!(refused.ends_with("it has no cuInit"), "{refused}");
}

#[test]
fn a_host_without_a_driver_is_a_plain_answer() {
    match Driver::open() {
        Ok(driver) => {
            let devices = driver.devices().unwrap();
            println!(
                "{} has {} devices",
                driver.library().display(),
                devices.len()
            );
        }
        Err(error) if crate::gpu::cuda_library() == Err(CudaError::NoDriver) => {
            assert_eq!(error, CudaError::NoDriver);
            assert_eq!(
                error.to_string(),
                "no NVIDIA driver is installed (there is no libcuda.so.1)"
            );
        }
        Err(error) => println!("{error}"),
    }
}
