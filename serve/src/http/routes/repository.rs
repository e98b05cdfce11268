//! Which models there are. They are given when the server starts, and clients change nothing about that.

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use nav_engine::ModelState;
use serde::{Deserialize, Serialize};

use super::model::serialized;
use crate::http::body::Frames;
use crate::http::receive::receive;
use crate::http::refusal::Refusal;
use crate::state::State;
use crate::wire::join;

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    ready: bool,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    version: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Every model and what has become of it, or those that are ready.
pub(super) async fn index(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let body = receive(request.into_body(), None, state).await?;
    let body = join(body.pieces.into_iter().collect());
    let asked: Asked = if body.is_empty() {
        Asked::default()
    } else {
        let read = serde_json::from_slice(&body);
        read.map_err(|error| {
            let text = format!("failed to parse the request JSON buffer: {error}");
            Refusal::new(StatusCode::BAD_REQUEST, text)
        })?
    };
    let entries = state.engine.index().into_iter();
    let wanted = entries.filter(|entry| !asked.ready || entry.state == ModelState::Ready);
    let entries: Vec<Entry> = wanted
        .map(|entry| {
            let (state, reason) = match entry.state {
                ModelState::Loading => ("LOADING", None),
                ModelState::Ready => ("READY", None),
                ModelState::Unloading => ("UNLOADING", None),
                ModelState::Unavailable { reason } => ("UNAVAILABLE", Some(reason.to_string())),
            };
            Entry {
                name: entry.name.to_string(),
                version: entry.version.to_string(),
                state,
                reason,
            }
        })
        .collect();
    serialized(&entries)
}

/// Clients load and unload nothing.
pub(super) fn control() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "explicit model load / unload is not allowed if polling is enabled",
    )
}

/// There is one repository, which has no name.
pub(super) fn control_elsewhere() -> Refusal {
    Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        "'repository_name' specification is not supported",
    )
}
