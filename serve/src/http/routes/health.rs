//! Whether the server lives, and whether it and its models take requests.

use hyper::{Response, StatusCode};

use super::Target;
use crate::describe;
use crate::http::body::Frames;
use crate::http::reply::empty;
use crate::refusal::Refusal;
use crate::state::State;

/// The server answers, so it lives.
pub(super) fn live() -> Response<Frames> {
    empty(StatusCode::OK)
}

/// Whether requests are taken and every model is well.
pub(super) fn ready(state: &State) -> Response<Frames> {
    empty(if state.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    })
}

/// Whether this model takes requests.
pub(super) fn model_ready(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let not_ready = || Refusal::invalid("Model version not ready");
    match state.engine.model(target.model, target.version) {
        Ok(model) if model.health().is_ready => Ok(empty(StatusCode::OK)),
        Ok(_) => Err(not_ready()),
        Err(error) => {
            let repository = state.repository.as_ref();
            let known = describe::index(&state.engine, repository, false).models;
            let version = target.version.map(|it| it.to_string());
            let is_known = known.iter().any(|entry| {
                let is_meant = version.as_ref().is_none_or(|it| *it == entry.version);
                *entry.name == *target.model && is_meant
            });
            Err(if is_known {
                not_ready()
            } else {
                Refusal::of_engine(&error, None)
            })
        }
    }
}
