//! Which models there are, and changes of that, where clients may change it.

use std::fmt;

use base64ct::{Base64, Encoding};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::aside::{HEAVY, aside_if};
use crate::describe;
use crate::http::body::Frames;
use crate::http::receive::{parsed, receive};
use crate::http::reply::{json, serialized};
use crate::proto::repository_index_response::ModelIndex;
use crate::refusal::Refusal;
use crate::repository::{
    LoadParameters, ParameterError, ParameterValue, Repository, UnloadParameters, is_file,
};
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
    let asked: Asked = body(state, request, Ok).await?;
    let repository = state.repository.as_ref();
    let told = describe::index(&state.engine, repository, asked.ready);
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

/// Loads a model, or what has changed of it, or what the request brings instead.
pub(super) async fn load(
    state: &State,
    model: &str,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let repository = Repository::controlled(state.repository.as_ref())?;
    let taken = taken(state, request, LoadParameters::set).await?;
    repository.load_asked(model, taken).await?;
    Ok(json(String::new()))
}

/// Takes a model out of service.
pub(super) async fn unload(
    state: &State,
    model: &str,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    let repository = Repository::controlled(state.repository.as_ref())?;
    let set = |taken: &mut UnloadParameters, name: &str, value| taken.set(name, &value);
    let taken = taken(state, request, set).await?;
    repository.unload_asked(model, taken).await?;
    Ok(json(String::new()))
}

/// The parameters that a request brings, set one by one.
async fn taken<T: Default + Send + 'static>(
    state: &State,
    request: Request<Incoming>,
    set: impl Fn(&mut T, &str, ParameterValue) -> Result<(), ParameterError> + Send + 'static,
) -> Result<T, Refusal> {
    body(state, request, move |changing: Changing| {
        let mut taken = T::default();
        for (name, value) in changing.parameters.0 {
            set(&mut taken, &name, parameter(&name, value)?)?;
        }
        Ok(taken)
    })
    .await
}

/// What a change says beside the name of the model.
#[derive(Default, Deserialize)]
struct Changing {
    #[serde(default)]
    parameters: Members,
}

/// The members of an object, each as often as it is there.
#[derive(Default)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

/// JSON has no bytes, so that those of files come in base64.
fn parameter(name: &str, value: Value) -> Result<ParameterValue, Refusal> {
    let text = match value {
        Value::String(text) => text,
        Value::Bool(value) => return Ok(ParameterValue::Bool(value)),
        _ => return Ok(ParameterValue::Other),
    };
    if !is_file(name) {
        return Ok(ParameterValue::Text(text));
    }
    let bytes = Base64::decode_vec(&text).map_err(|_| ParameterError {
        name: name.to_owned(),
        reason: "it is not in base64".to_owned(),
    })?;
    Ok(ParameterValue::Bytes(bytes.into()))
}

/// The body as what it is to be, which an empty one is the least of. Read off the threads that serve sockets.
async fn body<T, R>(
    state: &State,
    request: Request<Incoming>,
    take: impl FnOnce(T) -> Result<R, Refusal> + Send + 'static,
) -> Result<R, Refusal>
where
    T: Default + DeserializeOwned,
    R: Send + 'static,
{
    let received = receive(request.into_body(), None, state).await?;
    let length = received.length;
    let pieces = received.pieces;
    let read = move || {
        let body = join(pieces.into_iter().collect());
        if body.is_empty() {
            return take(T::default());
        }
        take(parsed(&body)?)
    };
    aside_if(length > HEAVY, read).await?
}
