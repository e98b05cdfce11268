//! One thread's binding to a shared session: inputs lent as memory, run, outputs taken over.

use std::ffi::CString;
use std::fmt;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use ort::AsPointer;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::sys;
use ort::value::TensorElementType;

use super::staging::{HostAllocator, StagingBuffer};
use super::value::{Output, OwnedValue};
use crate::aligned::{AlignedBuffer, AllocationError};

/// Turns a status of ONNX Runtime into a result.
pub(super) fn check(status: sys::OrtStatusPtr) -> ort::Result<()> {
    // SAFETY: every caller passes a status that an API function just returned, once.
    unsafe { ort::Error::result_from_status(status) }
}

/// The host memory that inputs are staged in and outputs are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMemory {
    /// Ours, for a session on the processor: inputs are read where they are.
    Plain,
    /// The runtime's, which the GPU of this number reads and writes directly: inputs are copied to the device when they are bound, and
    /// outputs come from it when they were computed, each without another copy on the host.
    PinnedFor(i32),
    /// The runtime's for the processor, and otherwise as if it were pinned, so that this way can be tried on a host without a GPU.
    OfRuntime,
}

impl HostMemory {
    /// The runtime's description of its memory; nothing where it is ours.
    pub(super) fn of_runtime(self) -> ort::Result<Option<MemoryInfo<'static>>> {
        let (device, number, kind) = match self {
            Self::Plain => return Ok(None),
            Self::PinnedFor(number) => {
                (AllocationDevice::CUDA_PINNED, number, MemoryType::CPUOutput)
            }
            Self::OfRuntime => (AllocationDevice::CPU, 0, MemoryType::Default),
        };
        MemoryInfo::new(device, number, AllocatorType::Device, kind).map(Some)
    }
}

/// A session's inputs and outputs, bound to memory of this value.
pub struct Binding {
    // Dropped in this order: the binding and its values before the session they belong to.
    handle: NonNull<sys::OrtIoBinding>,
    inputs: Vec<BoundInput>,
    outputs: Vec<BoundOutput>,
    /// What plain host memory is.
    plain: MemoryInfo<'static>,
    /// What the memory is that is neither ours nor plain.
    of_runtime: Option<MemoryInfo<'static>>,
    /// Where inputs get it.
    allocator: Option<Arc<HostAllocator>>,
    session: Arc<Session>,
}

struct BoundInput {
    name: CString,
    // Before its memory, which it is over.
    bound: Option<Bound>,
    buffer: StagingBuffer,
}

struct BoundOutput {
    name: CString,
    place: Option<Place>,
}

/// Memory of ours for one output of the next run, and the value over it.
struct Place {
    value: OwnedValue,
    buffer: AlignedBuffer,
}

struct Bound {
    value: OwnedValue,
    dtype: TensorElementType,
    shape: Vec<i64>,
    length: usize,
}

impl Binding {
    /// A binding with nothing bound yet.
    ///
    /// A session on another device copies an input when it is bound and not when it runs; for those (any memory but
    /// [`HostMemory::Plain`]) inputs are bound again for each run.
    pub fn new(session: Arc<Session>, memory: HostMemory) -> ort::Result<Self> {
        let mut handle = ptr::null_mut();
        // SAFETY: the session is live, and the runtime only reads its pointer.
        check(unsafe { (ort::api().CreateIoBinding)(session.ptr().cast_mut(), &raw mut handle) })?;
        let handle = NonNull::new(handle).ok_or_else(|| ort::Error::new("no binding was made"))?;
        let name = |name: &str| {
            CString::new(name).map_err(|_| ort::Error::new(format!("name {name:?} holds a NUL")))
        };
        let of_runtime = memory.of_runtime()?;
        let allocator = of_runtime.as_ref();
        let allocator = allocator.map(|memory| HostAllocator::of(&session, memory));
        let allocator = allocator.transpose()?;
        let empty = |name| {
            let buffer = StagingBuffer::new(allocator.as_ref(), 0).map_err(ort::Error::wrap)?;
            Ok(BoundInput {
                name,
                bound: None,
                buffer,
            })
        };
        let inputs: ort::Result<Vec<_>> = session
            .inputs()
            .iter()
            .map(|input| name(input.name()).and_then(empty))
            .collect();
        let outputs: ort::Result<Vec<_>> = session
            .outputs()
            .iter()
            .map(|output| {
                let name = name(output.name())?;
                Ok(BoundOutput { name, place: None })
            })
            .collect();
        let plain = MemoryInfo::new(
            AllocationDevice::CPU,
            0,
            AllocatorType::Device,
            MemoryType::Default,
        )?;
        Ok(Self {
            handle,
            inputs: inputs?,
            outputs: outputs?,
            plain,
            of_runtime,
            allocator,
            session,
        })
    }

    /// Makes sure that input `position` has memory for this many bytes, for `lend` to hand out.
    pub fn reserve(&mut self, position: usize, bytes: usize) -> Result<(), AllocationError> {
        let Some(input) = self.inputs.get_mut(position) else {
            return Ok(());
        };
        if input.buffer.capacity() < bytes {
            // A value over the old memory must not outlive it.
            input.bound = None;
            self.clear_inputs();
            let room = bytes.checked_next_power_of_two().filter(|_| bytes < LARGE);
            let allocator = self.allocator.as_ref();
            self.inputs[position].buffer = StagingBuffer::new(allocator, room.unwrap_or(bytes))?;
        }
        Ok(())
    }

    /// The memory of every input, in the order of the session's inputs.
    pub fn lend(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.inputs
            .iter_mut()
            .map(|input| input.buffer.as_mut_slice())
    }

    /// What was written into input `position`.
    pub fn written(&self, position: usize) -> &[u8] {
        self.inputs
            .get(position)
            .map(|input| input.buffer.as_slice())
            .unwrap_or_default()
    }

    /// Binds input `position` to its memory, as a tensor of numbers. Does nothing when the same is
    /// bound already.
    pub fn bind_numbers(
        &mut self,
        position: usize,
        dtype: TensorElementType,
        shape: &[usize],
    ) -> ort::Result<()> {
        let input = &mut self.inputs[position];
        let same = input.bound.as_ref().is_some_and(|bound| {
            bound.dtype == dtype
                && bound.shape.len() == shape.len()
                && bound
                    .shape
                    .iter()
                    .zip(shape)
                    .all(|(&a, &b)| i64::try_from(b) == Ok(a))
        });
        // Where it was copied to a device, it is to be copied again.
        if same && self.of_runtime.is_none() {
            return Ok(());
        }
        if !same {
            let shape = signed(shape)?;
            let count = shape
                .iter()
                .map(|&extent| usize::try_from(extent).unwrap_or(0))
                .product();
            let length = dtype
                .byte_size(count)
                .filter(|&length| length <= input.buffer.capacity());
            let length =
                length.ok_or_else(|| ort::Error::new("an input is larger than its memory"))?;
            let memory = self.of_runtime.as_ref().unwrap_or(&self.plain);
            let value = value_over(input.buffer.as_mut_slice(), length, (dtype, &shape), memory)?;
            input.bound = Some(Bound {
                value,
                dtype,
                shape,
                length,
            });
        }
        self.bind(position)
    }

    /// Binds input `position` to byte strings, each lying in its memory at one of `ranges`.
    pub fn bind_strings(
        &mut self,
        position: usize,
        shape: &[usize],
        ranges: &[Range<usize>],
    ) -> ort::Result<()> {
        let shape = signed(shape)?;
        let allocator = self.session.allocator().ptr().cast_mut();
        let mut value = OwnedValue::new_strings(allocator, &shape)?;
        for (index, range) in ranges.iter().enumerate() {
            let element = self
                .written(position)
                .get(range.clone())
                .unwrap_or_default();
            value.set_string(index, element)?;
        }
        let dtype = TensorElementType::String;
        self.inputs[position].bound = Some(Bound {
            value,
            dtype,
            shape,
            length: 0,
        });
        self.bind(position)
    }

    fn bind(&mut self, position: usize) -> ort::Result<()> {
        let input = &self.inputs[position];
        let Some(bound) = &input.bound else {
            return Ok(());
        };
        debug_assert!(
            bound.length <= input.buffer.capacity(),
            "a value over freed memory"
        );
        let (name, value) = (input.name.as_ptr(), bound.value.as_ptr());
        // SAFETY: binding, name and value are live; the value is kept in `bound` as long as it is bound.
        check(unsafe { (ort::api().BindInput)(self.handle.as_ptr(), name, value) })
    }

    fn clear_inputs(&mut self) {
        // SAFETY: the binding is live.
        unsafe { (ort::api().ClearBoundInputs)(self.handle.as_ptr()) };
        for input in &mut self.inputs {
            input.bound = None;
        }
    }

    /// Has the next run write output `position`, numbers of this shape in host memory, into memory of its own, which
    /// goes back to the system when it is no longer used: what the runtime allocates itself it keeps. Does nothing
    /// when there is not so much memory, which the run itself will say.
    pub fn place(
        &mut self,
        position: usize,
        dtype: TensorElementType,
        shape: &[usize],
    ) -> ort::Result<()> {
        let Some(output) = self.outputs.get_mut(position) else {
            return Ok(());
        };
        let count = shape.iter().product();
        let Some(length) = dtype.byte_size(count) else {
            return Ok(());
        };
        let Ok(mut buffer) = AlignedBuffer::new(length) else {
            return Ok(());
        };
        let shape = signed(shape)?;
        let value = value_over(buffer.as_mut_slice(), length, (dtype, &shape), &self.plain)?;
        output.place = Some(Place { value, buffer });
        Ok(())
    }

    /// Runs on what is bound. The outputs come in the order of the session's outputs.
    pub fn run(&mut self) -> ort::Result<Vec<Output>> {
        let ran = self.bind_outputs_and_run();
        let outputs = ran.and_then(|()| self.take_outputs());
        // Bound afresh for each run: otherwise the next run would write over outputs still in use. And at once, so
        // that the memory of an output is free when whoever has it needs it no more.
        // SAFETY: the binding is live.
        unsafe { (ort::api().ClearBoundOutputs)(self.handle.as_ptr()) };
        for output in &mut self.outputs {
            output.place = None;
        }
        outputs
    }

    fn bind_outputs_and_run(&self) -> ort::Result<()> {
        let api = ort::api();
        let binding = self.handle.as_ptr();
        for output in &self.outputs {
            let name = output.name.as_ptr();
            if let Some(place) = &output.place {
                // SAFETY: binding, name and value are live; the value and its memory stay until nothing is bound any
                // more.
                check(unsafe { (api.BindOutput)(binding, name, place.value.as_ptr()) })?;
            } else {
                let memory = self.of_runtime.as_ref().unwrap_or(&self.plain).ptr();
                // SAFETY: binding, name and memory description are live.
                check(unsafe { (api.BindOutputToDevice)(binding, name, memory) })?;
            }
        }
        let session = self.session.ptr().cast_mut();
        // SAFETY: the runtime allows runs of one session from several threads, each with its own
        // binding; a null pointer stands for default run options.
        check(unsafe { (api.RunWithBinding)(session, ptr::null(), binding) })
    }

    /// Whether memory that starts here is ours to lend, and so may be written to by the next request.
    fn lends(&self, start: *const u8) -> bool {
        self.inputs
            .iter()
            .any(|input| input.buffer.as_slice().as_ptr_range().contains(&start))
    }

    fn take_outputs(&mut self) -> ort::Result<Vec<Output>> {
        let places = self.outputs.iter_mut().map(|output| output.place.take());
        let places: Vec<Option<Place>> = places.collect();
        let allocator = self.session.allocator().ptr().cast_mut();
        let mut values: *mut *mut sys::OrtValue = ptr::null_mut();
        let mut count = 0;
        let get = ort::api().GetBoundOutputValues;
        // SAFETY: binding and allocator are live and the out-pointers valid.
        check(unsafe {
            get(
                self.handle.as_ptr(),
                allocator,
                &raw mut values,
                &raw mut count,
            )
        })?;
        if values.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: the runtime gave an array of `count` values.
        let array = unsafe { std::slice::from_raw_parts(values, count) };
        // Every value is taken over before any is read, so that an error leaks none.
        let owned: Vec<Option<OwnedValue>> = array
            .iter()
            .map(|&value| OwnedValue::from_raw(value))
            .collect();
        let free = ort::api().AllocatorFree;
        // SAFETY: the array came from this allocator and is freed once.
        check(unsafe { free(allocator, values.cast()) })?;
        owned
            .into_iter()
            .zip(places)
            .map(|(value, place)| match value {
                Some(value) => {
                    let memory = (place.map(|place| place.buffer), &self.session);
                    Output::new(value, memory, |start| self.lends(start))
                }
                None => Ok(Output::NotATensor),
            })
            .collect()
    }
}

/// From this size on, input memory is not rounded up.
const LARGE: usize = 1 << 20;

fn signed(shape: &[usize]) -> ort::Result<Vec<i64>> {
    let shape: Result<Vec<i64>, _> = shape.iter().map(|&extent| i64::try_from(extent)).collect();
    shape.map_err(|_| ort::Error::new("an input has an extent beyond 2^63"))
}

fn value_over(
    buffer: &mut [u8],
    length: usize,
    (dtype, shape): (TensorElementType, &[i64]),
    memory: &MemoryInfo<'_>,
) -> ort::Result<OwnedValue> {
    if length > buffer.len() {
        return Err(ort::Error::new("a tensor is larger than its memory"));
    }
    let mut value = ptr::null_mut();
    let create = ort::api().CreateTensorWithDataAsOrtValue;
    // SAFETY: the buffer has room for `length` bytes and outlives the value: `reserve` drops that of an input before it
    // replaces the buffer, and that of an output lies before its buffer in `Place` and in the output's memory;
    // shape pointer and length belong together.
    check(unsafe {
        create(
            memory.ptr(),
            buffer.as_mut_ptr().cast(),
            length,
            shape.as_ptr(),
            shape.len(),
            dtype.into(),
            &raw mut value,
        )
    })?;
    OwnedValue::from_raw(value).ok_or_else(|| ort::Error::new("no tensor was made"))
}

impl Drop for Binding {
    fn drop(&mut self) {
        // SAFETY: the binding is live and released once, before the values and the session it refers to.
        unsafe { (ort::api().ReleaseIoBinding)(self.handle.as_ptr()) }
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field(
                "inputs",
                &self
                    .inputs
                    .iter()
                    .map(|input| &input.name)
                    .collect::<Vec<_>>(),
            )
            .field(
                "outputs",
                &self
                    .outputs
                    .iter()
                    .map(|output| &output.name)
                    .collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}
