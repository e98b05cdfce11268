//! One thread's use of an engine: where its tensors are, and runs on a stream, recorded or not.
//!
//! It keeps the memory that it told TensorRT of, so that no run can reach memory that is gone.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use nav_runners::cuda::{CudaError, DeviceBuffer, Graph, Queue, Stream};

use super::engine::{Engine, Extents};
use super::raw::{self, RawContext};
use super::{TensorRtError, check, reason};

/// Why a run could not be prepared, or failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RunFailure {
    /// TensorRT's reason.
    #[error(transparent)]
    TensorRt(#[from] TensorRtError),
    /// The driver's.
    #[error(transparent)]
    Cuda(#[from] CudaError),
}

/// One thread's use of an engine. Not `Send`: it is used with a stream of the thread's own.
pub(crate) struct Context {
    raw: NonNull<RawContext>,
    places: BTreeMap<CString, Place>,
    /// How many runs there were with the places as they are.
    runs: usize,
    recorded: Option<Graph>,
    engine: Arc<Engine>,
}

/// Where a tensor is.
struct Place {
    extents: Extents,
    memory: Memory,
    is_open: bool,
}

/// What it lies in.
enum Memory {
    Device(Arc<DeviceBuffer>),
    Host(HostMemory),
}

/// What TensorRT wants of every address.
const ALIGNMENT: usize = 256;

/// Memory of the host, aligned for TensorRT, which stays where it is.
struct HostMemory {
    bytes: Box<[u8]>,
    range: Range<usize>,
}

impl HostMemory {
    /// Zeros. There is at least one, as TensorRT takes no null pointer.
    fn new(length: usize) -> Self {
        let bytes = vec![0_u8; length.saturating_add(ALIGNMENT)].into_boxed_slice();
        let start = bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Self {
            bytes,
            range: start..start + length,
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.range.clone()).unwrap_or_default()
    }

    /// Where it is, for TensorRT to read and write there.
    fn address(&mut self) -> u64 {
        let start = self.range.start;
        let place = self.bytes.get_mut(start..).unwrap_or_default();
        place.as_mut_ptr().expose_provenance() as u64
    }
}

impl Context {
    /// A context for the calling thread.
    pub(crate) fn open(engine: Arc<Engine>) -> Result<Self, RunFailure> {
        engine.use_device()?;
        let mut place = std::ptr::null_mut();
        // SAFETY: the engine lives as long as the context, which holds it.
        let raw = unsafe { raw::nav_context_open(engine.as_ptr(), &raw mut place) };
        let raw = NonNull::new(raw).ok_or_else(|| reason(place))?;
        Ok(Self {
            raw,
            places: BTreeMap::new(),
            runs: 0,
            recorded: None,
            engine,
        })
    }

    /// Says the extents of an input and where it lies on the device. The buffer must be large enough for it: whoever calls knows the
    /// size of an element.
    pub(crate) fn place_input(
        &mut self,
        name: &CStr,
        extents: Extents,
        buffer: &Arc<DeviceBuffer>,
    ) -> Result<(), TensorRtError> {
        let is_as_it_was = self.places.get(name).is_some_and(|place| {
            let is_same =
                matches!(&place.memory, Memory::Device(known) if Arc::ptr_eq(known, buffer));
            is_same && place.extents == extents
        });
        if is_as_it_was {
            return Ok(());
        }
        self.set_input(name, &extents, buffer.address())?;
        self.keep(name, extents, Memory::Device(Arc::clone(buffer)), false);
        Ok(())
    }

    /// Says the values of an input that TensorRT reads on the host.
    pub(crate) fn place_host_input(
        &mut self,
        name: &CStr,
        extents: Extents,
        values: &[u8],
    ) -> Result<(), TensorRtError> {
        let is_as_it_was = self.places.get(name).is_some_and(|place| {
            let is_same =
                matches!(&place.memory, Memory::Host(known) if known.as_slice() == values);
            is_same && place.extents == extents
        });
        if is_as_it_was {
            return Ok(());
        }
        let mut memory = HostMemory::new(values.len());
        memory.as_mut_slice().copy_from_slice(values);
        self.set_input(name, &extents, memory.address())?;
        self.keep(name, extents, Memory::Host(memory), false);
        Ok(())
    }

    /// The extents that an output will have for the inputs that were placed, -1 where only running tells them, and the most bytes that
    /// it can take.
    pub(crate) fn output_extents(&mut self, name: &CStr) -> Result<(Extents, u64), TensorRtError> {
        let (mut extents, mut most) = (Extents::default(), 0);
        let mut place = std::ptr::null_mut();
        // SAFETY: the context lives, the name has its end, and the places outlive the call.
        let code = unsafe {
            raw::nav_context_output_shape(
                self.raw.as_ptr(),
                name.as_ptr(),
                &raw mut extents,
                &raw mut most,
                &raw mut place,
            )
        };
        check(code, place)?;
        Ok((extents, most))
    }

    /// Says where an output goes on the device. The buffer must be large enough for the most that it can be.
    pub(crate) fn place_output(
        &mut self,
        name: &CStr,
        extents: Extents,
        buffer: &Arc<DeviceBuffer>,
    ) -> Result<(), TensorRtError> {
        let is_as_it_was = self.places.get(name).is_some_and(
            |place| matches!(&place.memory, Memory::Device(known) if Arc::ptr_eq(known, buffer)),
        );
        let is_open = extents.as_slice().iter().any(|&extent| extent < 0);
        // What an open one turned out to be is forgotten by saying it again.
        if is_as_it_was && !is_open {
            return Ok(());
        }
        self.set_output(name, (buffer.address(), buffer.capacity()), is_open)?;
        self.keep(name, extents, Memory::Device(Arc::clone(buffer)), is_open);
        Ok(())
    }

    /// Makes room for an output that TensorRT writes on the host.
    pub(crate) fn place_host_output(
        &mut self,
        name: &CStr,
        extents: Extents,
        bytes: usize,
    ) -> Result<(), TensorRtError> {
        let mut memory = HostMemory::new(bytes);
        let is_open = extents.as_slice().iter().any(|&extent| extent < 0);
        self.set_output(name, (memory.address(), bytes), is_open)?;
        self.keep(name, extents, Memory::Host(memory), is_open);
        Ok(())
    }

    /// What was written on the host, after a run.
    pub(crate) fn host_output(&self, name: &CStr) -> Option<&[u8]> {
        match &self.places.get(name)?.memory {
            Memory::Host(memory) => Some(memory.as_slice()),
            Memory::Device(_) => None,
        }
    }

    /// The extents that an open output turned out to have.
    pub(crate) fn found_extents(&self, name: &CStr) -> Result<Extents, TensorRtError> {
        let mut extents = Extents::default();
        let mut place = std::ptr::null_mut();
        // SAFETY: the context lives, the name has its end, and the places outlive the call.
        let code = unsafe {
            raw::nav_context_found_shape(
                self.raw.as_ptr(),
                name.as_ptr(),
                &raw mut extents,
                &raw mut place,
            )
        };
        check(code, place)?;
        Ok(extents)
    }

    /// Whether a run can be recorded: there was one with the places as they are, which sets up what must not be set up while it is
    /// recorded, and none is yet.
    pub(crate) const fn can_record(&self) -> bool {
        self.runs > 0 && self.recorded.is_none()
    }

    /// Records a run, so that later ones cost one call each, until a place changes.
    pub(crate) fn record(&mut self, stream: &Stream) -> Result<(), RunFailure> {
        if self.places.values().any(|place| place.is_open) {
            let text = "a run whose outputs have shapes that only running tells cannot be recorded";
            return Err(TensorRtError(text.to_owned()).into());
        }
        let graph = stream.capture(|raw| Ok::<(), RunFailure>(self.enqueue_on(raw)?))?;
        self.recorded = Some(graph);
        Ok(())
    }

    /// Queues a run, the recorded one if there is one.
    pub(crate) fn enqueue<'env>(&'env mut self, queue: &Queue<'env>) -> Result<(), RunFailure> {
        if self.recorded.is_none() {
            self.enqueue_on(queue.stream())?;
        }
        self.runs = self.runs.saturating_add(1);
        match &self.recorded {
            Some(graph) => Ok(queue.launch(graph)?),
            None => Ok(()),
        }
    }

    /// The stream must be a live one of the engine's device.
    fn enqueue_on(&mut self, stream: *mut c_void) -> Result<(), TensorRtError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the context lives, as does all memory that it was told of, which it keeps; `place` outlives the call, and the stream
        // is that of a live `Stream`.
        let code = unsafe { raw::nav_context_enqueue(self.raw.as_ptr(), stream, &raw mut place) };
        check(code, place)
    }

    fn keep(&mut self, name: &CStr, extents: Extents, memory: Memory, is_open: bool) {
        let place = Place {
            extents,
            memory,
            is_open,
        };
        self.places.insert(name.to_owned(), place);
    }

    fn set_input(
        &mut self,
        name: &CStr,
        extents: &Extents,
        address: u64,
    ) -> Result<(), TensorRtError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the context lives, the name has its end, and `place` outlives the call. Nothing is read from the address before a
        // run, and then it is kept.
        let code = unsafe {
            raw::nav_context_input(
                self.raw.as_ptr(),
                name.as_ptr(),
                extents,
                pointer(address),
                &raw mut place,
            )
        };
        self.forget(name);
        check(code, place)
    }

    fn set_output(
        &mut self,
        name: &CStr,
        (address, capacity): (u64, usize),
        is_open: bool,
    ) -> Result<(), TensorRtError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the context lives, the name has its end, and `place` outlives the call. Nothing is written to the address before a
        // run, and then it is kept.
        let code = unsafe {
            raw::nav_context_output(
                self.raw.as_ptr(),
                name.as_ptr(),
                pointer(address),
                capacity as u64,
                i32::from(is_open),
                &raw mut place,
            )
        };
        self.forget(name);
        check(code, place)
    }

    /// Gives up what was there of a tensor: another place was said, or none that TensorRT takes.
    fn forget(&mut self, name: &CStr) {
        self.recorded = None;
        self.runs = 0;
        self.places.remove(name);
    }
}

/// An address of the device, which means nothing here, or one of the host whose provenance was exposed.
fn pointer(address: u64) -> *mut c_void {
    std::ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(0))
}

impl Drop for Context {
    fn drop(&mut self) {
        // As where the engine is dropped.
        let _is_broken = self.engine.use_device();
        // SAFETY: it came from `nav_context_open`, and its engine still lives. A recorded run that is destroyed later is not launched.
        unsafe { raw::nav_context_free(self.raw.as_ptr()) };
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("is_recorded", &self.recorded.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_the_host_is_as_aligned_as_tensorrt_wants_it() {
        for length in [0, 1, 255, 4096] {
            let mut memory = HostMemory::new(length);
            assert_eq!(memory.as_slice().len(), length);
            assert_eq!(memory.address() % ALIGNMENT as u64, 0);
            memory.as_mut_slice().fill(7);
            assert_eq!(memory.as_slice(), vec![7; length]);
        }
    }
}
