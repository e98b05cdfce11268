//! Which models there are. They are given when the server starts, and clients change nothing about that.

use crate::describe;
use crate::proto::{
    RepositoryIndexRequest, RepositoryIndexResponse, RepositoryModelLoadRequest,
    RepositoryModelLoadResponse, RepositoryModelUnloadRequest, RepositoryModelUnloadResponse,
};
use crate::refusal::Refusal;
use crate::state::State;

/// Every model and what has become of it, or those that are ready.
pub(super) fn index(
    state: &State,
    asked: &RepositoryIndexRequest,
) -> Result<RepositoryIndexResponse, Refusal> {
    if !asked.repository_name.is_empty() {
        return Err(Refusal::control_elsewhere());
    }
    Ok(describe::index(&state.engine, asked.ready))
}

/// Loads a model.
pub(super) fn load(
    _: &State,
    asked: &RepositoryModelLoadRequest,
) -> Result<RepositoryModelLoadResponse, Refusal> {
    Err(refusal(&asked.repository_name))
}

/// Unloads a model.
pub(super) fn unload(
    _: &State,
    asked: &RepositoryModelUnloadRequest,
) -> Result<RepositoryModelUnloadResponse, Refusal> {
    Err(refusal(&asked.repository_name))
}

fn refusal(repository: &str) -> Refusal {
    if repository.is_empty() {
        Refusal::control()
    } else {
        Refusal::control_elsewhere()
    }
}
