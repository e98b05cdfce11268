//! The functions of `libcuda.so.1` that are used here, found by name in a library that was opened by path.
//!
//! The crate `cudarc` has them all, but it opens the library by bare names along the inherited search path, takes no path, and panics
//! where the library or a function is missing.

use std::ffi::{c_char, c_int, c_uint, c_ulonglong, c_void};
use std::path::Path;

use libloading::Library;

use crate::library;

/// A device, as the driver numbers it.
pub(super) type RawDevice = c_int;
/// A `CUcontext`.
pub(super) type RawContext = *mut c_void;
/// A `CUstream`.
pub(super) type RawStream = *mut c_void;
/// A `CUgraph`.
pub(super) type RawGraph = *mut c_void;
/// A `CUgraphExec`.
pub(super) type RawGraphExec = *mut c_void;
/// A `CUdeviceptr`: an address in a GPU's memory.
pub(super) type Address = c_ulonglong;

/// `CUDA_SUCCESS`.
pub(super) const SUCCESS: c_int = 0;
/// `CUDA_ERROR_NOT_INITIALIZED`.
pub(super) const NOT_INITIALIZED: c_int = 3;
/// `CUDA_ERROR_NO_DEVICE`: there is a driver and no GPU that this process may see.
pub(super) const NO_DEVICE: c_int = 100;

macro_rules! functions {
    ($($(#[$doc:meta])* $field:ident = $name:literal ($($argument:ty),*);)*) => {
        /// The functions, and the library that they are in.
        pub(super) struct Functions {
            $($(#[$doc])* pub(super) $field: unsafe extern "C" fn($($argument),*) -> c_int,)*
            // Last, so that it is closed after all of them are gone. Tests have functions of no library.
            pub(super) _library: Option<Library>,
        }

        impl Functions {
            /// Opens the library and finds all of them, or says which is missing.
            pub(super) fn open(path: &Path) -> Result<Self, String> {
                let library = library::open(path)?;
                $(
                    // SAFETY: the driver's interface is stable: this name has had these arguments since it exists.
                    let found = unsafe { library.get(concat!($name, "\0").as_bytes()) };
                    let $field = *found.map_err(|_| concat!("it has no ", $name).to_owned())?;
                )*
                Ok(Self { $($field,)* _library: Some(library) })
            }
        }
    };
}

functions! {
    init = "cuInit"(c_uint);
    driver_version = "cuDriverGetVersion"(*mut c_int);
    error_name = "cuGetErrorName"(c_int, *mut *const c_char);
    error_string = "cuGetErrorString"(c_int, *mut *const c_char);
    device_count = "cuDeviceGetCount"(*mut c_int);
    device = "cuDeviceGet"(*mut RawDevice, c_int);
    device_name = "cuDeviceGetName"(*mut c_char, c_int, RawDevice);
    device_uuid = "cuDeviceGetUuid_v2"(*mut [u8; 16], RawDevice);
    device_memory = "cuDeviceTotalMem_v2"(*mut usize, RawDevice);
    device_attribute = "cuDeviceGetAttribute"(*mut c_int, c_int, RawDevice);
    retain_context = "cuDevicePrimaryCtxRetain"(*mut RawContext, RawDevice);
    release_context = "cuDevicePrimaryCtxRelease_v2"(RawDevice);
    set_context = "cuCtxSetCurrent"(RawContext);
    memory_info = "cuMemGetInfo_v2"(*mut usize, *mut usize);
    allocate_host = "cuMemHostAlloc"(*mut *mut c_void, usize, c_uint);
    free_host = "cuMemFreeHost"(*mut c_void);
    allocate = "cuMemAlloc_v2"(*mut Address, usize);
    free = "cuMemFree_v2"(Address);
    copy_in = "cuMemcpyHtoDAsync_v2"(Address, *const c_void, usize, RawStream);
    copy_out = "cuMemcpyDtoHAsync_v2"(*mut c_void, Address, usize, RawStream);
    create_stream = "cuStreamCreate"(*mut RawStream, c_uint);
    destroy_stream = "cuStreamDestroy_v2"(RawStream);
    synchronize = "cuStreamSynchronize"(RawStream);
    begin_capture = "cuStreamBeginCapture_v2"(RawStream, c_uint);
    end_capture = "cuStreamEndCapture"(RawStream, *mut RawGraph);
    instantiate = "cuGraphInstantiateWithFlags"(*mut RawGraphExec, RawGraph, c_ulonglong);
    launch = "cuGraphLaunch"(RawGraphExec, RawStream);
    destroy_exec = "cuGraphExecDestroy"(RawGraphExec);
    destroy_graph = "cuGraphDestroy"(RawGraph);
}
