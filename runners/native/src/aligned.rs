//! Host memory aligned for vector instructions, whose allocation may fail instead of ending the process.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::fmt;
use std::ptr::NonNull;

/// Where buffers start: the width of a cache line and of the widest vector registers.
pub const ALIGNMENT: usize = 64;

/// Zeroed host memory that starts at a multiple of [`ALIGNMENT`].
pub struct AlignedBuffer {
    start: NonNull<u8>,
    bytes: usize,
    allocated: NonNull<u8>,
    layout: Layout,
}

/// There is not that much memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot allocate {bytes} bytes")]
pub struct AllocationError {
    /// How much was asked for.
    pub bytes: usize,
}

impl AlignedBuffer {
    /// A zeroed buffer of this many bytes.
    pub fn new(bytes: usize) -> Result<Self, AllocationError> {
        let error = AllocationError { bytes };
        // Never zero: a runtime is handed the address even of an empty tensor.
        let bytes = bytes.max(1);
        // Aligned here: the allocator would write over memory that it aligns, to zero what the system gives zeroed.
        let room = bytes.checked_add(ALIGNMENT - 1);
        let layout = room.and_then(|room| Layout::from_size_align(room, 1).ok());
        let layout = layout.ok_or_else(|| error.clone())?;
        // SAFETY: the layout's size is not zero.
        let allocated = unsafe { alloc_zeroed(layout) };
        let allocated = NonNull::new(allocated).ok_or(error)?;
        let before = allocated.align_offset(ALIGNMENT);
        Ok(Self {
            // SAFETY: to the next aligned address it is less than `ALIGNMENT`, by which there is more room.
            start: unsafe { allocated.add(before) },
            bytes,
            allocated,
            layout,
        })
    }

    /// How many bytes it holds.
    pub const fn capacity(&self) -> usize {
        self.bytes
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start` is valid for `capacity` initialised bytes, borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.capacity()) }
    }

    /// Its bytes, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and `&mut self` makes this the only borrow.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.capacity()) }
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        // SAFETY: `allocated` came from `alloc_zeroed` with this very layout.
        unsafe { dealloc(self.allocated.as_ptr(), self.layout) }
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBuffer")
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

// SAFETY: the buffer owns its memory, and plain bytes may move between threads.
unsafe impl Send for AlignedBuffer {}
// SAFETY: shared borrows only read.
unsafe impl Sync for AlignedBuffer {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_zeroed_and_writable() {
        for bytes in [0, 1, 63, 64, 65, 4096] {
            let mut buffer = AlignedBuffer::new(bytes).unwrap();
            assert_eq!(buffer.as_slice().as_ptr().addr() % ALIGNMENT, 0);
            assert!(buffer.as_slice().iter().all(|&byte| byte == 0));
            buffer.as_mut_slice().fill(7);
            assert_eq!(buffer.as_slice().len(), bytes.max(1));
        }
    }

    #[test]
    fn a_size_that_cannot_be_had_is_an_error() {
        assert!(AlignedBuffer::new(usize::MAX).is_err());
        assert!(AlignedBuffer::new(1 << 60).is_err());
    }
}
