//! Memory of CUDA devices that clients want to share: what they say of it, checked. It is not mapped yet.
//!
//! Opening a handle needs a context on the device and `cuIpcOpenMemHandle`, which is for the crate that may call
//! vendor libraries. It plugs in at [`Regions::register_cuda`]: a registration that comes so far is right in itself.

use super::error::RegionError;
use super::regions::{Regions, check_name};

/// How many bytes a handle of CUDA has.
const HANDLE: usize = 64;

/// What a region of a device is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CudaRegistration {
    /// Its name.
    pub(crate) name: Box<str>,
    /// What CUDA gave to whoever owns the memory.
    pub(crate) handle: Vec<u8>,
    /// The number of the device.
    pub(crate) device: i64,
    /// How many bytes it has.
    pub(crate) byte_size: u64,
}

impl Regions {
    /// Fails for now, with the first reason that there is.
    pub(crate) fn register_cuda(&self, wanted: CudaRegistration) -> Result<(), RegionError> {
        let wrong = |what| Err(RegionError::Cuda { what });
        check_name(&wanted.name, "cuda")?;
        // Tensors name their region and not its kind, so that no two may have one name.
        if self.find(&wanted.name).is_ok() {
            return Err(RegionError::Exists { name: wanted.name });
        }
        if wanted.handle.len() != HANDLE {
            return wrong("'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t");
        }
        if i32::try_from(wanted.device).map_or(true, i32::is_negative) {
            return wrong("'device_id' is not the number of a device");
        }
        if wanted.byte_size == 0 {
            return wrong("'byte_size' must be more than 0");
        }
        Err(RegionError::NoCuda {
            name: wanted.name,
            device: wanted.device,
        })
    }
}
