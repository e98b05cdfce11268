//! What the server is, and whether it takes requests.

use crate::describe;
use crate::proto::{ServerLiveResponse, ServerMetadataResponse, ServerReadyResponse};
use crate::state::State;

/// The server answers, so it lives.
pub(super) const fn live() -> ServerLiveResponse {
    ServerLiveResponse { live: true }
}

/// Whether requests are taken and every model is well.
pub(super) fn ready(state: &State) -> ServerReadyResponse {
    let ready = state.is_ready();
    ServerReadyResponse { ready }
}

/// Name, version, extensions.
pub(super) fn metadata(state: &State) -> ServerMetadataResponse {
    describe::server(&state.name, state.is_controlled(), state.regions().is_ok())
}
