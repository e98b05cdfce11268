//! Memory of graphics processors that clients share with the server: not offered.

use crate::proto::{
    CudaSharedMemoryRegisterRequest, CudaSharedMemoryRegisterResponse,
    CudaSharedMemoryStatusRequest, CudaSharedMemoryStatusResponse,
    CudaSharedMemoryUnregisterRequest, CudaSharedMemoryUnregisterResponse,
};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// Which regions there are.
pub(super) fn status(
    _: &State,
    _: &CudaSharedMemoryStatusRequest,
) -> Result<CudaSharedMemoryStatusResponse, Refusal> {
    Err(refusal())
}

/// Makes a region known.
pub(super) fn register(
    _: &State,
    _: &CudaSharedMemoryRegisterRequest,
) -> Result<CudaSharedMemoryRegisterResponse, Refusal> {
    Err(refusal())
}

/// Forgets a region, or all.
pub(super) fn unregister(
    _: &State,
    _: &CudaSharedMemoryUnregisterRequest,
) -> Result<CudaSharedMemoryUnregisterResponse, Refusal> {
    Err(refusal())
}

fn refusal() -> Refusal {
    Refusal::new(
        RefusalKind::Unsupported,
        "CUDA shared memory is not offered",
    )
}
