//! Memory that clients share with the server: told of, registered, unregistered.

use crate::describe;
use crate::proto::{
    SystemSharedMemoryRegisterRequest, SystemSharedMemoryRegisterResponse,
    SystemSharedMemoryStatusRequest, SystemSharedMemoryStatusResponse,
    SystemSharedMemoryUnregisterRequest, SystemSharedMemoryUnregisterResponse,
};
use crate::refusal::Refusal;
use crate::shared_memory::Registration;
use crate::state::State;

/// Which regions there are.
pub(super) fn status(
    state: &State,
    asked: &SystemSharedMemoryStatusRequest,
) -> Result<SystemSharedMemoryStatusResponse, Refusal> {
    Ok(describe::system_regions(
        state.regions()?,
        named(&asked.name),
    )?)
}

/// Makes a region known.
pub(super) fn register(
    state: &State,
    asked: &SystemSharedMemoryRegisterRequest,
) -> Result<SystemSharedMemoryRegisterResponse, Refusal> {
    state.regions()?.register(Registration {
        name: asked.name.as_str().into(),
        key: asked.key.as_str().into(),
        offset: asked.offset,
        byte_size: asked.byte_size,
    })?;
    Ok(SystemSharedMemoryRegisterResponse::default())
}

/// Forgets a region, or all.
pub(super) fn unregister(
    state: &State,
    asked: &SystemSharedMemoryUnregisterRequest,
) -> Result<SystemSharedMemoryUnregisterResponse, Refusal> {
    state.regions()?.unregister(named(&asked.name));
    Ok(SystemSharedMemoryUnregisterResponse::default())
}

/// The region of this name; an empty one means all.
pub(super) fn named(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}
