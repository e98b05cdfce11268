//! A stream: work of a device that runs in the order in which it was queued, beside other streams.

use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

use super::context::Context;
use super::error::CudaError;
use super::functions::{RawGraph, RawStream};
use super::graph::Graph;
use super::memory::{DeviceBuffer, PinnedBuffer};

/// `CU_STREAM_NON_BLOCKING`: the stream that everybody shares does not wait for it.
const NON_BLOCKING: u32 = 1;
/// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`: what other threads do meanwhile does not end the recording.
const CAPTURE_OF_THIS_THREAD: u32 = 1;

/// A stream of one thread's own.
pub struct Stream {
    raw: RawStream,
    context: Context,
}

impl Stream {
    /// A new stream on this device.
    pub fn new(context: &Context) -> Result<Self, CudaError> {
        context.make_current()?;
        let mut raw: RawStream = std::ptr::null_mut();
        // SAFETY: the place is valid, and a context is current.
        let code = unsafe { (context.functions().create_stream)(&raw mut raw, NON_BLOCKING) };
        context.check("cuStreamCreate", code)?;
        Ok(Self {
            raw,
            context: context.clone(),
        })
    }

    /// The stream as vendors' libraries know it, a `CUstream` or `cudaStream_t`. It lives as long as `self`.
    pub fn as_raw(&self) -> *mut c_void {
        self.raw
    }

    /// Queues work and waits until all of it is done, whatever became of it. What the work reads and writes is borrowed for so long.
    pub fn finish<'env, T, E: From<CudaError>>(
        &'env self,
        work: impl FnOnce(&Queue<'env>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.context.make_current()?;
        // For when `work` panics, since the device may be writing to memory of the host.
        let end = WaitAtEnd(self);
        let queue = Queue {
            stream: self,
            borrowed: PhantomData,
        };
        let done = work(&queue);
        let ended = self.synchronize();
        // There is nothing left to wait for: this is no second pause.
        drop(end);
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Records what `work` has a vendor's library queue on this stream, without running it.
    ///
    /// The memory of the device that it works with is used whenever the graph is launched, and must be there then.
    pub fn capture<E: From<CudaError>>(
        &self,
        work: impl FnOnce(*mut c_void) -> Result<(), E>,
    ) -> Result<Graph, E> {
        self.context.make_current()?;
        let begin = self.context.functions().begin_capture;
        // SAFETY: the stream is live.
        let code = unsafe { begin(self.raw, CAPTURE_OF_THIS_THREAD) };
        self.context.check("cuStreamBeginCapture", code)?;
        let queued = work(self.raw);
        let mut raw: RawGraph = std::ptr::null_mut();
        // SAFETY: the stream is live and the place valid. It is ended also where something went wrong, so that the stream is of use.
        let code = unsafe { (self.context.functions().end_capture)(self.raw, &raw mut raw) };
        let graph = Graph::of_recording(&self.context, raw);
        queued?;
        self.context.check("cuStreamEndCapture", code)?;
        Ok(graph?)
    }

    fn synchronize(&self) -> Result<(), CudaError> {
        // SAFETY: the stream is live.
        let code = unsafe { (self.context.functions().synchronize)(self.raw) };
        self.context.check("cuStreamSynchronize", code)
    }
}

/// Waits for a stream when it is dropped.
struct WaitAtEnd<'a>(&'a Stream);

impl Drop for WaitAtEnd<'_> {
    fn drop(&mut self) {
        // What failed is told by the next call about the stream; the device has stopped then too.
        let _told_later = self.0.synchronize();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.context.make_current().is_ok() {
            // SAFETY: the stream is live and destroyed once; the driver ends what is queued first.
            unsafe { (self.context.functions().destroy_stream)(self.raw) };
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("device", &self.context.number())
            .finish_non_exhaustive()
    }
}

/// What work is queued with. It borrows the host's memory until the stream was waited for.
#[derive(Debug)]
pub struct Queue<'env> {
    stream: &'env Stream,
    borrowed: PhantomData<&'env mut &'env ()>,
}

impl<'env> Queue<'env> {
    /// Queues a copy of the first `bytes` of `from`.
    pub fn copy_in(
        &self,
        from: &'env PinnedBuffer,
        to: &'env DeviceBuffer,
        bytes: usize,
    ) -> Result<(), CudaError> {
        fits(bytes, from.capacity().min(to.capacity()))?;
        self.write(from.as_slice().get(..bytes).unwrap_or_default(), to)
    }

    /// Queues a copy of memory of the host. Only from pinned memory does the device copy by itself.
    pub fn write(&self, from: &'env [u8], to: &'env DeviceBuffer) -> Result<(), CudaError> {
        let bytes = from.len();
        fits(bytes, to.capacity())?;
        let context = &self.stream.context;
        let (source, place) = (from.as_ptr().cast(), to.address());
        // SAFETY: both hold so many bytes, and `'env` keeps them and the stream until the copy is done.
        let code = unsafe { (context.functions().copy_in)(place, source, bytes, self.stream.raw) };
        context.check("cuMemcpyHtoDAsync", code)
    }

    /// Queues a copy of the first `bytes` of `from`.
    pub fn copy_out(
        &self,
        from: &'env DeviceBuffer,
        to: &'env mut PinnedBuffer,
        bytes: usize,
    ) -> Result<(), CudaError> {
        fits(bytes, from.capacity().min(to.capacity()))?;
        let to = to.as_mut_slice().get_mut(..bytes).unwrap_or_default();
        self.read(from, to)
    }

    /// Queues a copy to memory of the host, as much as there is room. Only to pinned memory does the device copy by itself.
    pub fn read(&self, from: &'env DeviceBuffer, to: &'env mut [u8]) -> Result<(), CudaError> {
        let bytes = to.len();
        fits(bytes, from.capacity())?;
        let context = &self.stream.context;
        let (place, source) = (to.as_mut_ptr().cast(), from.address());
        // SAFETY: both hold so many bytes, and `'env` keeps them, `to` for nobody else, until the copy is done.
        let code = unsafe { (context.functions().copy_out)(place, source, bytes, self.stream.raw) };
        context.check("cuMemcpyDtoHAsync", code)
    }

    /// Queues all that a graph recorded.
    pub fn launch(&self, graph: &'env Graph) -> Result<(), CudaError> {
        graph.launch(self.stream.raw)
    }

    /// The stream, for a vendor's library that queues work itself.
    pub fn stream(&self) -> *mut c_void {
        self.stream.raw
    }
}

fn fits(wanted: usize, capacity: usize) -> Result<(), CudaError> {
    if wanted > capacity {
        return Err(CudaError::TooLarge { wanted, capacity });
    }
    Ok(())
}
