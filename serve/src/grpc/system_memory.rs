//! Memory that clients share with the server: not offered.

use crate::proto::{
    SystemSharedMemoryRegisterRequest, SystemSharedMemoryRegisterResponse,
    SystemSharedMemoryStatusRequest, SystemSharedMemoryStatusResponse,
    SystemSharedMemoryUnregisterRequest, SystemSharedMemoryUnregisterResponse,
};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// Which regions there are.
pub(super) fn status(
    _: &State,
    _: &SystemSharedMemoryStatusRequest,
) -> Result<SystemSharedMemoryStatusResponse, Refusal> {
    Err(refusal())
}

/// Makes a region known.
pub(super) fn register(
    _: &State,
    _: &SystemSharedMemoryRegisterRequest,
) -> Result<SystemSharedMemoryRegisterResponse, Refusal> {
    Err(refusal())
}

/// Forgets a region, or all.
pub(super) fn unregister(
    _: &State,
    _: &SystemSharedMemoryUnregisterRequest,
) -> Result<SystemSharedMemoryUnregisterResponse, Refusal> {
    Err(refusal())
}

fn refusal() -> Refusal {
    Refusal::new(
        RefusalKind::Unsupported,
        "system shared memory is not offered",
    )
}
