//! Runs of one shape that CUDA records once and then launches as a whole, which spares the host the launch of every operator.
//!
//! A recording repeats what was done at the same addresses. So inputs and outputs have their places in the device's memory for good,
//! and are copied to and from there around each run.

use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ort::AsPointer;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::sys;
use ort::value::{Outlet, TensorElementType};

use super::binding::{HostMemory, check};
use super::staging::{HostAllocator, StagingBuffer};
use super::value::{Output, OwnedValue};
use crate::cuda::{Context, CudaError, DeviceBuffer, Driver, Stream};

/// What tells the runs of one recording from those of others.
const RECORDING: &CStr = c"gpu_graph_id";

/// How ONNX Runtime is told to record nothing.
const UNRECORDED: i32 = -1;

/// Where the runs of a session are recorded. ONNX Runtime does not run such a session on several threads at once.
pub struct Recorder {
    session: Arc<Session>,
    context: Context,
    turn: Mutex<()>,
    next: AtomicI32,
}

impl Recorder {
    /// For a session whose provider was told to record, on this device.
    pub fn new(session: Arc<Session>, device: u32) -> Result<Self, CudaError> {
        Ok(Self {
            session,
            context: Context::of_device(&Driver::open()?, device)?,
            turn: Mutex::new(()),
            // 0 is what runs are called that are not called anything.
            next: AtomicI32::new(1),
        })
    }
}

/// The type and the shape of a tensor of numbers.
pub type Described<'a> = (TensorElementType, &'a [usize]);

/// Places for the inputs and outputs of runs of one shape, on the thread that made them.
pub struct Recorded {
    // Dropped in this order: the binding before the values, and those before the memory that they are over.
    handle: Handle,
    options: Options,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    stream: Stream,
    /// Memory of the host that outputs leave in.
    pinned: Arc<HostAllocator>,
    recorder: Arc<Recorder>,
}

struct Place {
    value: OwnedValue,
    memory: DeviceBuffer,
    bytes: usize,
    dtype: TensorElementType,
    shape: Vec<usize>,
}

struct Handle(NonNull<sys::OrtIoBinding>);

struct Options(NonNull<sys::OrtRunOptions>);

impl Recorded {
    /// Places for inputs and outputs of these types and shapes, in the order of the session's. `is_kept` says whether runs will be
    /// repeated and so are worth recording.
    pub fn new(
        recorder: &Arc<Recorder>,
        inputs: &[Described<'_>],
        outputs: &[Described<'_>],
        is_kept: bool,
    ) -> ort::Result<Self> {
        let session = &recorder.session;
        let id = if is_kept {
            recorder.next.fetch_add(1, Ordering::Relaxed)
        } else {
            UNRECORDED
        };
        let number = i32::try_from(recorder.context.number()).unwrap_or(i32::MAX);
        let device = MemoryInfo::new(
            AllocationDevice::CUDA,
            number,
            AllocatorType::Device,
            MemoryType::Default,
        )?;
        let pinned = HostMemory::PinnedFor(number).of_runtime()?;
        let pinned = pinned.ok_or_else(|| ort::Error::new("there is no pinned memory"))?;
        let place = |&described: &Described<'_>| Place::new(recorder, &device, described);
        let places = Self {
            handle: Handle::new(session)?,
            options: Options::new(id)?,
            inputs: inputs.iter().map(place).collect::<ort::Result<_>>()?,
            outputs: outputs.iter().map(place).collect::<ort::Result<_>>()?,
            stream: Stream::new(&recorder.context).map_err(ort::Error::wrap)?,
            pinned: HostAllocator::of(session, &pinned)?,
            recorder: Arc::clone(recorder),
        };
        let names = session.inputs().iter().map(Outlet::name);
        for (name, place) in names.zip(&places.inputs) {
            places.bind(name, place, ort::api().BindInput)?;
        }
        let names = session.outputs().iter().map(Outlet::name);
        for (name, place) in names.zip(&places.outputs) {
            places.bind(name, place, ort::api().BindOutput)?;
        }
        Ok(places)
    }

    fn bind(&self, name: &str, place: &Place, bind: Bind) -> ort::Result<()> {
        let name = CString::new(name).map_err(ort::Error::wrap)?;
        // SAFETY: binding, name and value are live; the value stays as long as the binding.
        check(unsafe { bind(self.handle.0.as_ptr(), name.as_ptr(), place.value.as_ptr()) })
    }

    /// Runs on what lies in the host's memory. The outputs come in the order of the session's.
    pub fn run<'a>(&mut self, staged: impl Iterator<Item = &'a [u8]>) -> ort::Result<Vec<Output>> {
        let turn = self.recorder.turn.lock();
        let _turn = turn.unwrap_or_else(PoisonError::into_inner);
        let inputs = &self.inputs;
        let copied: Result<(), CudaError> = self.stream.finish(|queue| {
            let mut staged = staged.zip(inputs);
            staged.try_for_each(|(bytes, place)| {
                let bytes = bytes.get(..place.bytes).unwrap_or(bytes);
                queue.write(bytes, &place.memory)
            })
        });
        copied.map_err(ort::Error::wrap)?;
        let session = self.recorder.session.ptr().cast_mut();
        let (options, handle) = (self.options.0.as_ptr(), self.handle.0.as_ptr());
        // SAFETY: all three are live, and no other thread runs this session now. The call returns when the device is done.
        check(unsafe { (ort::api().RunWithBinding)(session, options, handle) })?;
        let mut given: Vec<StagingBuffer> = Vec::with_capacity(self.outputs.len());
        for place in &self.outputs {
            let memory = StagingBuffer::new(Some(&self.pinned), place.bytes);
            given.push(memory.map_err(ort::Error::wrap)?);
        }
        let outputs = &self.outputs;
        let copied: Result<(), CudaError> = self.stream.finish(|queue| {
            let mut places = given.iter_mut().zip(outputs);
            places.try_for_each(|(memory, place)| {
                let bytes = memory.as_mut_slice();
                let bytes = bytes.get_mut(..place.bytes).unwrap_or_default();
                queue.read(&place.memory, bytes)
            })
        });
        copied.map_err(ort::Error::wrap)?;
        let given = given.into_iter().zip(outputs);
        Ok(given
            .map(|(memory, place)| Output::Numbers {
                dtype: place.dtype,
                shape: place.shape.clone(),
                bytes: Bytes::from_owner(memory).slice(..place.bytes),
            })
            .collect())
    }
}

type Bind = unsafe extern "system" fn(
    *mut sys::OrtIoBinding,
    *const std::ffi::c_char,
    *const sys::OrtValue,
) -> sys::OrtStatusPtr;

impl Place {
    fn new(
        recorder: &Recorder,
        device: &MemoryInfo<'_>,
        (dtype, shape): Described<'_>,
    ) -> ort::Result<Self> {
        let count = shape.iter().product();
        let bytes = dtype.byte_size(count);
        let bytes = bytes.ok_or_else(|| ort::Error::new("only numbers have a place"))?;
        let memory = DeviceBuffer::new(&recorder.context, bytes).map_err(ort::Error::wrap)?;
        let extents: Result<Vec<i64>, _> = shape.iter().map(|&it| i64::try_from(it)).collect();
        let extents = extents.map_err(ort::Error::wrap)?;
        let address = usize::try_from(memory.address()).map_err(ort::Error::wrap)?;
        let mut value = ptr::null_mut();
        let create = ort::api().CreateTensorWithDataAsOrtValue;
        // SAFETY: the address is one of the device that is described, with room for so many bytes, and the memory outlives the value;
        // shape pointer and length belong together.
        check(unsafe {
            create(
                device.ptr(),
                ptr::without_provenance_mut(address),
                bytes,
                extents.as_ptr(),
                extents.len(),
                dtype.into(),
                &raw mut value,
            )
        })?;
        let value = OwnedValue::from_raw(value);
        Ok(Self {
            value: value.ok_or_else(|| ort::Error::new("no tensor was made"))?,
            memory,
            bytes,
            dtype,
            shape: shape.to_vec(),
        })
    }
}

impl Handle {
    fn new(session: &Session) -> ort::Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: the session is live, and the runtime only reads its pointer.
        check(unsafe { (ort::api().CreateIoBinding)(session.ptr().cast_mut(), &raw mut handle) })?;
        let handle = NonNull::new(handle).ok_or_else(|| ort::Error::new("no binding was made"))?;
        Ok(Self(handle))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the binding is live and released once, before the values and the session that it refers to.
        unsafe { (ort::api().ReleaseIoBinding)(self.0.as_ptr()) }
    }
}

impl Options {
    fn new(id: i32) -> ort::Result<Self> {
        let mut options = ptr::null_mut();
        // SAFETY: the out-pointer is valid.
        check(unsafe { (ort::api().CreateRunOptions)(&raw mut options) })?;
        let options =
            NonNull::new(options).ok_or_else(|| ort::Error::new("no options were made"))?;
        let options = Self(options);
        let id = CString::new(id.to_string()).map_err(ort::Error::wrap)?;
        let add = ort::api().AddRunConfigEntry;
        // SAFETY: the options are live, and both texts end in a NUL.
        check(unsafe { add(options.0.as_ptr(), RECORDING.as_ptr(), id.as_ptr()) })?;
        Ok(options)
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: they are live and released once.
        unsafe { (ort::api().ReleaseRunOptions)(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("inputs", &self.inputs.len())
            .field("outputs", &self.outputs.len())
            .finish_non_exhaustive()
    }
}
