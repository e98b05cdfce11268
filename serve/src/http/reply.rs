//! Answers: a status, a type, a body.

use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use prost::Name;
use serde::Serialize;

use super::body::{Frames, Source};
use crate::proto;
use crate::refusal::{Refusal, RefusalKind};
use crate::wire::error_body;

/// JSON.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// JSON with binary blocks behind it.
pub(super) const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// Text.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// How long the JSON is before binary blocks begin.
pub(super) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

/// An answer of this type.
pub(super) fn typed(
    status: StatusCode,
    content_type: HeaderValue,
    pieces: impl IntoIterator<Item = Bytes>,
) -> Response<Frames> {
    let mut response = Response::new(pieces.into_iter().collect());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An answer of this type that comes to be while it is sent.
pub(super) fn streamed(
    status: StatusCode,
    content_type: HeaderValue,
    source: impl Source + 'static,
) -> Response<Frames> {
    let mut response = typed(status, content_type, []);
    *response.body_mut() = Frames::streamed(source);
    response
}

/// An answer in JSON.
pub(super) fn json(text: impl Into<Bytes>) -> Response<Frames> {
    typed(StatusCode::OK, JSON, [text.into()])
}

/// A message in JSON.
pub(super) fn message<M: Name>(message: &M) -> Response<Frames> {
    json(proto::json(message))
}

/// Anything in JSON.
pub(super) fn serialized(value: &impl Serialize) -> Result<Response<Frames>, Refusal> {
    let text = serde_json::to_string(value);
    Ok(json(
        text.map_err(|error| Refusal::internal(error.to_string()))?,
    ))
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Frames> {
    typed(status, TEXT, [])
}

/// An answer in text of this type.
pub(crate) fn text(content_type: &'static str, text: String) -> Response<Frames> {
    let content_type = HeaderValue::from_static(content_type);
    typed(StatusCode::OK, content_type, [text.into()])
}

/// The answer to a request that is refused.
pub(super) fn refused(refusal: &Refusal) -> Response<Frames> {
    let body = error_body(&refusal.text);
    let mut response = typed(refusal.kind.status(), JSON, [body.into()]);
    let headers = response.headers_mut();
    if let Some(after) = refusal.retry_after {
        // Whole seconds are all that the header can say.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if refusal.kind == RefusalKind::Encoding {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
    }
    response
}
