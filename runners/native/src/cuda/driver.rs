//! The driver, opened, and what it says of its devices.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::CudaError;
use super::functions::{Functions, NO_DEVICE, NOT_INITIALIZED, RawDevice, SUCCESS};
use crate::gpu;

/// An opened driver. Copies of it are the same one.
#[derive(Clone)]
pub struct Driver {
    shared: Arc<Opened>,
}

struct Opened {
    functions: Functions,
    path: PathBuf,
}

/// What a GPU is. Finding out takes none of its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Its number, as CUDA counts those that this process may see.
    pub number: u32,
    /// Its product name.
    pub name: String,
    /// Its identity, as `GPU-` and a UUID.
    pub uuid: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
}

/// The driver of this host, once it was opened.
static OPENED: Mutex<Option<Driver>> = Mutex::new(None);

/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR`.
const CAPABILITY_MAJOR: c_int = 75;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR`.
const CAPABILITY_MINOR: c_int = 76;

impl Driver {
    /// The driver of this host. It is opened once; where there is none, the next call looks again.
    pub fn open() -> Result<Self, CudaError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = &*opened {
            return Ok(driver.clone());
        }
        let path = gpu::cuda_library()?;
        let driver = Self::open_at(&path)?;
        *opened = Some(driver.clone());
        Ok(driver)
    }

    /// The driver whose library is this file.
    pub fn open_at(path: &Path) -> Result<Self, CudaError> {
        let functions = Functions::open(path).map_err(|reason| CudaError::Unusable {
            library: path.to_owned(),
            reason,
        })?;
        Self::of_functions(functions, path.to_owned())
    }

    /// The driver that these functions are of.
    pub(super) fn of_functions(functions: Functions, path: PathBuf) -> Result<Self, CudaError> {
        let opened = Opened { functions, path };
        let driver = Self {
            shared: Arc::new(opened),
        };
        // SAFETY: it takes a number that must be 0, any number of times.
        let code = unsafe { (driver.functions().init)(0) };
        // A driver without a GPU is a driver: it has none to list.
        if code != NO_DEVICE {
            driver.check("cuInit", code)?;
        }
        Ok(driver)
    }

    /// The library that it was opened from.
    pub fn library(&self) -> &Path {
        &self.shared.path
    }

    /// The newest CUDA that it serves, as `13.0`.
    pub fn cuda_version(&self) -> Result<String, CudaError> {
        let mut version = 0;
        // SAFETY: the place is valid.
        let code = unsafe { (self.functions().driver_version)(&raw mut version) };
        self.check("cuDriverGetVersion", code)?;
        Ok(format!("{}.{}", version / 1000, version % 1000 / 10))
    }

    /// Its devices, in CUDA's order.
    pub fn devices(&self) -> Result<Vec<DeviceFacts>, CudaError> {
        (0..self.count()?)
            .map(|number| self.facts(number))
            .collect()
    }

    fn count(&self) -> Result<u32, CudaError> {
        let mut count = 0;
        // SAFETY: the place is valid.
        let code = unsafe { (self.functions().device_count)(&raw mut count) };
        // Where there was none to initialise, the driver says that it was not initialised.
        if code == NO_DEVICE || code == NOT_INITIALIZED {
            return Ok(0);
        }
        self.check("cuDeviceGetCount", code)?;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    /// The driver's own number for the device of this number.
    pub(super) fn device(&self, number: u32) -> Result<RawDevice, CudaError> {
        let count = self.count()?;
        let ordinal = c_int::try_from(number).ok().filter(|_| number < count);
        let ordinal = ordinal.ok_or(CudaError::NoDevice { number, count })?;
        let mut device = 0;
        // SAFETY: the place is valid, and there is a device of this number.
        let code = unsafe { (self.functions().device)(&raw mut device, ordinal) };
        self.check("cuDeviceGet", code)?;
        Ok(device)
    }

    fn facts(&self, number: u32) -> Result<DeviceFacts, CudaError> {
        let device = self.device(number)?;
        let mut name = [0_u8; 256];
        let room = c_int::try_from(name.len()).unwrap_or(0);
        let place = name.as_mut_ptr().cast::<c_char>();
        // SAFETY: the place has as much room as is said.
        let code = unsafe { (self.functions().device_name)(place, room, device) };
        self.check("cuDeviceGetName", code)?;
        let mut uuid = [0_u8; 16];
        // SAFETY: the place has room for the 16 bytes of a UUID.
        let code = unsafe { (self.functions().device_uuid)(&raw mut uuid, device) };
        self.check("cuDeviceGetUuid", code)?;
        let mut bytes = 0;
        // SAFETY: the place is valid.
        let code = unsafe { (self.functions().device_memory)(&raw mut bytes, device) };
        self.check("cuDeviceTotalMem", code)?;
        let (major, minor) = (
            self.attribute(CAPABILITY_MAJOR, device)?,
            self.attribute(CAPABILITY_MINOR, device)?,
        );
        let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
        Ok(DeviceFacts {
            number,
            name: name.to_string_lossy().into_owned(),
            uuid: uuid_text(uuid),
            memory_bytes: bytes as u64,
            compute_capability: format!("{major}.{minor}"),
        })
    }

    fn attribute(&self, which: c_int, device: RawDevice) -> Result<c_int, CudaError> {
        let mut value = 0;
        // SAFETY: the place is valid.
        let code = unsafe { (self.functions().device_attribute)(&raw mut value, which, device) };
        self.check("cuDeviceGetAttribute", code)?;
        Ok(value)
    }

    pub(super) fn functions(&self) -> &Functions {
        &self.shared.functions
    }

    /// Turns what a call gave back into a result, in the driver's words.
    pub(super) fn check(&self, call: &'static str, code: c_int) -> Result<(), CudaError> {
        if code == SUCCESS {
            return Ok(());
        }
        let text = |get: unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int| {
            let mut text: *const c_char = std::ptr::null();
            // SAFETY: the place is valid; what is no error of the driver's leaves it null.
            let found = unsafe { get(code, &raw mut text) };
            if found != SUCCESS || text.is_null() {
                return None;
            }
            // SAFETY: the driver's texts are static and end in a NUL.
            let text = unsafe { CStr::from_ptr(text) };
            Some(text.to_string_lossy().into_owned())
        };
        Err(CudaError::Refused {
            call,
            name: text(self.functions().error_name).unwrap_or_else(|| format!("error {code}")),
            reason: text(self.functions().error_string)
                .unwrap_or_else(|| "the driver has no words for it".to_owned()),
        })
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("library", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// As the management library and `nvidia-smi` write it.
fn uuid_text(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    // So many bits after the first `before`.
    let part = |before: u32, bits: u32| number >> (128 - before - bits) & ((1 << bits) - 1);
    format!(
        "GPU-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(0, 32),
        part(32, 16),
        part(48, 16),
        part(64, 16),
        part(80, 48)
    )
}
