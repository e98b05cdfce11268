//! Memory of graphics processors that clients share with the server: told of, registered, unregistered.

use super::system_memory::named;
use crate::describe;
use crate::proto::{
    CudaSharedMemoryRegisterRequest, CudaSharedMemoryRegisterResponse,
    CudaSharedMemoryStatusRequest, CudaSharedMemoryStatusResponse,
    CudaSharedMemoryUnregisterRequest, CudaSharedMemoryUnregisterResponse,
};
use crate::refusal::Refusal;
use crate::shared_memory::CudaRegistration;
use crate::state::State;

/// Which regions there are.
pub(super) fn status(
    state: &State,
    asked: &CudaSharedMemoryStatusRequest,
) -> Result<CudaSharedMemoryStatusResponse, Refusal> {
    state.regions()?;
    Ok(describe::cuda_regions(named(&asked.name))?)
}

/// Makes a region known.
pub(super) fn register(
    state: &State,
    asked: &CudaSharedMemoryRegisterRequest,
) -> Result<CudaSharedMemoryRegisterResponse, Refusal> {
    state.regions()?.register_cuda(CudaRegistration {
        name: asked.name.as_str().into(),
        handle: asked.raw_handle.clone().into(),
        device: asked.device_id,
        byte_size: asked.byte_size,
    })?;
    Ok(CudaSharedMemoryRegisterResponse::default())
}

/// Forgets a region, or all, of which there are none.
pub(super) fn unregister(
    state: &State,
    _: &CudaSharedMemoryUnregisterRequest,
) -> Result<CudaSharedMemoryUnregisterResponse, Refusal> {
    state.regions()?;
    Ok(CudaSharedMemoryUnregisterResponse::default())
}
