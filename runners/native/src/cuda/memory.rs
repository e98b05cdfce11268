//! Memory: of the host where the device reads and writes it directly, and of the device.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use super::context::Context;
use super::error::CudaError;
use super::functions::Address;

/// `CU_MEMHOSTALLOC_PORTABLE`: pinned for every device of this process.
const PORTABLE: u32 = 1;

/// Zeroed host memory that stays where it is, so that a device copies from it and to it by itself. It starts at a page.
pub struct PinnedBuffer {
    start: NonNull<u8>,
    bytes: usize,
    context: Context,
}

impl PinnedBuffer {
    /// A zeroed buffer of this many bytes.
    pub fn new(context: &Context, bytes: usize) -> Result<Self, CudaError> {
        context.make_current()?;
        // Never zero: a runtime is handed the address even of an empty tensor.
        let bytes = bytes.max(1);
        let mut start: *mut c_void = std::ptr::null_mut();
        let allocate = context.functions().allocate_host;
        // SAFETY: the place is valid, and a context is current.
        let code = unsafe { allocate(&raw mut start, bytes, PORTABLE) };
        context.check("cuMemHostAlloc", code)?;
        let Some(start) = NonNull::new(start.cast::<u8>()) else {
            return Err(null("cuMemHostAlloc"));
        };
        // SAFETY: the driver gave so many bytes there, which nobody else knows of.
        unsafe { start.as_ptr().write_bytes(0, bytes) };
        Ok(Self {
            start,
            bytes,
            context: context.clone(),
        })
    }

    /// How many bytes it holds.
    pub const fn capacity(&self) -> usize {
        self.bytes
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `start` is valid for so many initialised bytes, borrowed as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// Its bytes, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and `&mut self` makes this the only borrow.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

impl Drop for PinnedBuffer {
    fn drop(&mut self) {
        // Where the context is broken there is nothing to give back to.
        if self.context.make_current().is_ok() {
            let free = self.context.functions().free_host;
            // SAFETY: it came from `cuMemHostAlloc`, is freed once, and no queue borrows it any more.
            unsafe { free(self.start.as_ptr().cast()) };
        }
    }
}

impl fmt::Debug for PinnedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedBuffer")
            .field("capacity", &self.bytes)
            .finish_non_exhaustive()
    }
}

// SAFETY: the buffer owns its memory, and plain bytes may move between threads.
unsafe impl Send for PinnedBuffer {}
// SAFETY: shared borrows only read.
unsafe impl Sync for PinnedBuffer {}

/// Memory of a device. The host cannot read it; what lies in it is undefined until something was copied there.
#[derive(Debug)]
pub struct DeviceBuffer {
    address: Address,
    bytes: usize,
    context: Context,
}

impl DeviceBuffer {
    /// Memory for this many bytes.
    pub fn new(context: &Context, bytes: usize) -> Result<Self, CudaError> {
        context.make_current()?;
        let bytes = bytes.max(1);
        let mut address = 0;
        // SAFETY: the place is valid, and a context is current.
        let code = unsafe { (context.functions().allocate)(&raw mut address, bytes) };
        context.check("cuMemAlloc", code)?;
        Ok(Self {
            address,
            bytes,
            context: context.clone(),
        })
    }

    /// How many bytes it holds.
    pub const fn capacity(&self) -> usize {
        self.bytes
    }

    /// Its address, for a vendor's library that computes there. It stays the same as long as the buffer.
    pub const fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        if self.context.make_current().is_ok() {
            // SAFETY: it came from `cuMemAlloc` and is freed once; the driver waits for work that uses it.
            unsafe { (self.context.functions().free)(self.address) };
        }
    }
}

fn null(call: &'static str) -> CudaError {
    CudaError::Refused {
        call,
        name: "null".to_owned(),
        reason: "the driver gave no memory".to_owned(),
    }
}
