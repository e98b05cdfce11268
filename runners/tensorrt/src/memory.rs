//! Memory that a session works with: staged inputs, and outputs whose memory comes back when they are dropped.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use nav_runners::cuda::{Context, CudaError, DeviceBuffer, PinnedBuffer};

/// How many buffers wait for the next outputs.
const MOST_KEPT: usize = 8;

/// An input's memory of the host, and where it goes on the device.
#[derive(Debug)]
pub(crate) struct InputMemory {
    pub(crate) host: PinnedBuffer,
    pub(crate) device: Arc<DeviceBuffer>,
}

/// Pinned memory that outputs leave in. Copies are the same one.
#[derive(Clone, Debug)]
pub(crate) struct OutputMemory {
    context: Context,
    free: Arc<Mutex<Vec<PinnedBuffer>>>,
}

/// Bytes in pinned memory, which goes back when the last slice of them is dropped.
struct LentBytes {
    buffer: Option<PinnedBuffer>,
    length: usize,
    free: Arc<Mutex<Vec<PinnedBuffer>>>,
}

impl InputMemory {
    /// Memory for so many bytes.
    pub(crate) fn new(context: &Context, bytes: usize) -> Result<Self, CudaError> {
        Ok(Self {
            host: PinnedBuffer::new(context, bytes)?,
            device: Arc::new(DeviceBuffer::new(context, bytes)?),
        })
    }

    /// Makes sure of so many bytes. What was in them is lost.
    pub(crate) fn reserve(&mut self, context: &Context, bytes: usize) -> Result<(), CudaError> {
        if bytes > self.host.capacity().min(self.device.capacity()) {
            *self = Self::new(context, bytes)?;
        }
        Ok(())
    }
}

impl OutputMemory {
    /// None yet.
    pub(crate) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            free: Arc::default(),
        }
    }

    /// Memory for so many bytes: what came back, if it is enough.
    pub(crate) fn take(&self, bytes: usize) -> Result<PinnedBuffer, CudaError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = free.iter().enumerate();
        let fitting = fitting.filter(|(_, buffer)| buffer.capacity() >= bytes);
        let smallest = fitting.min_by_key(|(_, buffer)| buffer.capacity());
        match smallest.map(|(index, _)| index) {
            Some(index) => Ok(free.swap_remove(index)),
            None => PinnedBuffer::new(&self.context, bytes),
        }
    }

    /// The first bytes of memory that was taken, to be handed on. Copies nothing.
    pub(crate) fn lend(&self, buffer: PinnedBuffer, length: usize) -> Bytes {
        Bytes::from_owner(LentBytes {
            length: length.min(buffer.capacity()),
            buffer: Some(buffer),
            free: Arc::clone(&self.free),
        })
    }
}

impl AsRef<[u8]> for LentBytes {
    fn as_ref(&self) -> &[u8] {
        let all = self.buffer.as_ref().map(PinnedBuffer::as_slice);
        all.and_then(|all| all.get(..self.length)).unwrap_or(&[])
    }
}

impl Drop for LentBytes {
    fn drop(&mut self) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MOST_KEPT {
            free.extend(self.buffer.take());
        }
    }
}
