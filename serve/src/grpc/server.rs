//! What the server is, and whether it takes requests.

use crate::describe;
use crate::proto::{
    ServerLiveRequest, ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse,
    ServerReadyRequest, ServerReadyResponse,
};
use crate::refusal::Refusal;
use crate::state::State;

/// The server answers, so it lives.
pub(super) fn live(_: &State, _: ServerLiveRequest) -> Result<ServerLiveResponse, Refusal> {
    Ok(ServerLiveResponse { live: true })
}

/// Whether requests are taken and every model is well.
pub(super) fn ready(state: &State, _: ServerReadyRequest) -> Result<ServerReadyResponse, Refusal> {
    let ready = state.is_ready();
    Ok(ServerReadyResponse { ready })
}

/// Name, version, extensions.
pub(super) fn metadata(
    state: &State,
    _: ServerMetadataRequest,
) -> Result<ServerMetadataResponse, Refusal> {
    Ok(describe::server(state))
}
