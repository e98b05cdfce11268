//! A device in use: the one context for each that all libraries of this process share.

use std::fmt;
use std::sync::Arc;

use super::driver::Driver;
use super::error::CudaError;
use super::functions::{Functions, RawContext, RawDevice};

/// A device's primary context, which CUDA's runtime uses too, so that memory and streams are common. Copies are the same one.
#[derive(Clone)]
pub struct Context {
    retained: Arc<Retained>,
}

struct Retained {
    driver: Driver,
    device: RawDevice,
    raw: RawContext,
    number: u32,
}

// SAFETY: a context is bound to no thread; whoever calls makes it current for its own.
unsafe impl Send for Retained {}
// SAFETY: the driver may be called from several threads at once.
unsafe impl Sync for Retained {}

/// How a device's memory is used, by all processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceMemory {
    /// What can be had now.
    pub free_bytes: u64,
    /// All of it.
    pub total_bytes: u64,
}

impl Context {
    /// Takes the device of this number into use, which costs some hundred megabytes of its memory.
    pub fn of_device(driver: &Driver, number: u32) -> Result<Self, CudaError> {
        let device = driver.device(number)?;
        let mut raw: RawContext = std::ptr::null_mut();
        // SAFETY: the place is valid, and the device is one of the driver's.
        let code = unsafe { (driver.functions().retain_context)(&raw mut raw, device) };
        driver.check("cuDevicePrimaryCtxRetain", code)?;
        let retained = Retained {
            driver: driver.clone(),
            device,
            raw,
            number,
        };
        Ok(Self {
            retained: Arc::new(retained),
        })
    }

    /// The device's number.
    pub fn number(&self) -> u32 {
        self.retained.number
    }

    /// How much of the device's memory is free.
    pub fn memory(&self) -> Result<DeviceMemory, CudaError> {
        self.make_current()?;
        let (mut free, mut total) = (0_usize, 0_usize);
        // SAFETY: both places are valid, and a context is current.
        let code = unsafe { (self.functions().memory_info)(&raw mut free, &raw mut total) };
        self.check("cuMemGetInfo", code)?;
        Ok(DeviceMemory {
            free_bytes: free as u64,
            total_bytes: total as u64,
        })
    }

    /// Makes it the calling thread's. Every call here does so itself; a vendor's library works on the device of the thread that calls it,
    /// and where there is none on the first one, whichever that is.
    pub fn make_current(&self) -> Result<(), CudaError> {
        // SAFETY: the context is retained as long as `self`.
        let code = unsafe { (self.functions().set_context)(self.retained.raw) };
        self.check("cuCtxSetCurrent", code)
    }

    pub(super) fn functions(&self) -> &Functions {
        self.retained.driver.functions()
    }

    pub(super) fn check(&self, call: &'static str, code: i32) -> Result<(), CudaError> {
        self.retained.driver.check(call, code)
    }
}

impl Drop for Retained {
    fn drop(&mut self) {
        // SAFETY: it was retained once, and all that lies in it holds the `Context` and is gone.
        unsafe { (self.driver.functions().release_context)(self.device) };
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("device", &self.retained.number)
            .finish_non_exhaustive()
    }
}
