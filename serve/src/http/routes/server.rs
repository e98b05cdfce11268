//! What the server is.

use hyper::Response;
use serde::Serialize;

use super::model::serialized;
use crate::http::body::Frames;
use crate::http::refusal::Refusal;

/// What the protocol has beyond its core, and this server too.
const EXTENSIONS: &[&str] = &[
    "classification",
    "sequence",
    "schedule_policy",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
];

#[derive(Serialize)]
struct Metadata {
    name: &'static str,
    version: &'static str,
    extensions: &'static [&'static str],
}

/// Name, version, extensions.
pub(super) fn metadata() -> Result<Response<Frames>, Refusal> {
    serialized(&Metadata {
        name: "nav",
        version: env!("CARGO_PKG_VERSION"),
        extensions: EXTENSIONS,
    })
}
