//! What a model takes and gives, how it is served, and what happened in it.

use hyper::Response;

use super::Target;
use crate::describe;
use crate::http::body::Frames;
use crate::http::reply::message;
use crate::refusal::Refusal;
use crate::state::State;

/// Name, versions, platform, tensors.
pub(super) fn metadata(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let told = describe::model(&state.engine, target.model, target.version)?;
    Ok(message(&told))
}

/// The configuration of this model.
pub(super) fn config(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let told = describe::config(&state.engine, target.model, target.version)?;
    Ok(message(&told))
}

/// What happened in one version of a model, or in all.
pub(super) fn statistics(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let told = describe::of_model(&state.engine, target.model, target.version)?;
    Ok(message(&told))
}

/// What happened in every model.
pub(super) fn all_statistics(state: &State) -> Response<Frames> {
    message(&describe::of_all(&state.engine))
}
