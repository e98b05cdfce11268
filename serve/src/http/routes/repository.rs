//! Which models there are. They are given when the server starts, and clients change nothing about that.

use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::{Deserialize, Serialize};

use crate::describe;
use crate::http::body::Frames;
use crate::http::receive::receive;
use crate::http::reply::serialized;
use crate::proto::repository_index_response::ModelIndex;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::join;

/// A model in the index. What there is nothing of is left out.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    state: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    ready: bool,
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
            Refusal::invalid(text)
        })?
    };
    let told = describe::index(&state.engine, asked.ready);
    let entries: Vec<Entry<'_>> = told.models.iter().map(Entry::from).collect();
    serialized(&entries)
}

impl<'a> From<&'a ModelIndex> for Entry<'a> {
    fn from(entry: &'a ModelIndex) -> Self {
        Self {
            name: &entry.name,
            version: &entry.version,
            state: &entry.state,
            reason: &entry.reason,
        }
    }
}
