//! What the server is.

use hyper::Response;

use crate::describe;
use crate::http::body::Frames;
use crate::http::reply::message;
use crate::state::State;

/// Name, version, extensions.
pub(super) fn metadata(state: &State) -> Response<Frames> {
    message(&describe::server(
        &state.name,
        state.is_controlled(),
        state.regions().is_ok(),
    ))
}
