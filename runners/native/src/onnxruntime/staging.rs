//! The host memory that tensors are staged in: plain, or of the runtime's own allocator, which gives memory that a GPU reads directly.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use ort::AsPointer;
use ort::memory::MemoryInfo;
use ort::session::Session;
use ort::sys;

use super::binding::check;
use crate::aligned::{AlignedBuffer, AllocationError};

/// An allocator of the runtime's for memory of one kind.
pub(super) struct HostAllocator {
    raw: NonNull<sys::OrtAllocator>,
    // Its memory is of this session's arenas.
    _session: Arc<Session>,
}

// SAFETY: allocators of sessions are called by all of the runtime's threads, and lock for themselves.
unsafe impl Send for HostAllocator {}
// SAFETY: as above.
unsafe impl Sync for HostAllocator {}

impl HostAllocator {
    /// The one that this session has for memory like this.
    pub(super) fn of(session: &Arc<Session>, memory: &MemoryInfo<'_>) -> ort::Result<Arc<Self>> {
        let mut raw = std::ptr::null_mut();
        let create = ort::api().CreateAllocator;
        // SAFETY: session and description are live, and the out-pointer is valid.
        check(unsafe { create(session.ptr(), memory.ptr(), &raw mut raw) })?;
        let raw = NonNull::new(raw).ok_or_else(|| ort::Error::new("no allocator was made"))?;
        let session = Arc::clone(session);
        Ok(Arc::new(Self {
            raw,
            _session: session,
        }))
    }
}

impl Drop for HostAllocator {
    fn drop(&mut self) {
        // SAFETY: it is live and released once, after all of its memory, which holds it.
        unsafe { (ort::api().ReleaseAllocator)(self.raw.as_ptr()) }
    }
}

/// Zeroed memory of a runtime's allocator.
pub(super) struct RuntimeBuffer {
    start: NonNull<u8>,
    bytes: usize,
    allocator: Arc<HostAllocator>,
}

// SAFETY: the buffer owns its memory, and plain bytes may move between threads.
unsafe impl Send for RuntimeBuffer {}
// SAFETY: shared borrows only read.
unsafe impl Sync for RuntimeBuffer {}

/// Memory for one tensor.
pub(super) enum StagingBuffer {
    /// Plain host memory.
    Plain(AlignedBuffer),
    /// The runtime's.
    OfRuntime(RuntimeBuffer),
}

impl StagingBuffer {
    /// Zeroed memory for this many bytes, from this allocator if there is one.
    pub(super) fn new(
        allocator: Option<&Arc<HostAllocator>>,
        bytes: usize,
    ) -> Result<Self, AllocationError> {
        match allocator {
            None => AlignedBuffer::new(bytes).map(Self::Plain),
            Some(allocator) => RuntimeBuffer::new(allocator, bytes).map(Self::OfRuntime),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Plain(buffer) => buffer.as_slice(),
            // SAFETY: `start` is valid for so many initialised bytes, borrowed as long as `self`.
            Self::OfRuntime(it) => unsafe {
                std::slice::from_raw_parts(it.start.as_ptr(), it.bytes)
            },
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Self::Plain(buffer) => buffer.as_mut_slice(),
            Self::OfRuntime(it) => {
                // SAFETY: as in `as_slice`, and `&mut self` makes this the only borrow.
                unsafe { std::slice::from_raw_parts_mut(it.start.as_ptr(), it.bytes) }
            }
        }
    }
}

impl AsRef<[u8]> for StagingBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl RuntimeBuffer {
    fn new(allocator: &Arc<HostAllocator>, bytes: usize) -> Result<Self, AllocationError> {
        // Never zero: the runtime is handed the address even of an empty tensor.
        let wanted = bytes.max(1);
        let mut start: *mut c_void = std::ptr::null_mut();
        let allocate = ort::api().AllocatorAlloc;
        // SAFETY: the allocator is live and the out-pointer valid.
        let status = unsafe { allocate(allocator.raw.as_ptr(), wanted, &raw mut start) };
        check(status).map_err(|_| AllocationError { bytes })?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(AllocationError { bytes })?;
        // SAFETY: the runtime gave so many bytes there, which nobody else knows of.
        unsafe { start.as_ptr().write_bytes(0, wanted) };
        Ok(Self {
            start,
            bytes: wanted,
            allocator: Arc::clone(allocator),
        })
    }
}

impl Drop for RuntimeBuffer {
    fn drop(&mut self) {
        let free = ort::api().AllocatorFree;
        // SAFETY: it came from this allocator and is freed once; whoever made a value over it has dropped that.
        let status = unsafe { free(self.allocator.raw.as_ptr(), self.start.as_ptr().cast()) };
        // There is nobody to tell.
        let _kept_then = check(status);
    }
}
