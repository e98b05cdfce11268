//! What a model takes and gives.

use hyper::{Response, StatusCode};
use nav_engine::Model;
use nav_package_format::{Dim, TensorSpec};
use serde::Serialize;

use super::Target;
use crate::http::body::Frames;
use crate::http::refusal::Refusal;
use crate::http::reply::json;
use crate::state::State;

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    versions: Vec<String>,
    platform: &'a str,
    inputs: Vec<Tensor<'a>>,
    outputs: Vec<Tensor<'a>>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: Vec<i64>,
}

/// Name, versions, platform, tensors.
pub(super) fn metadata(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let model = find(state, target)?;
    let versions = if let Some(version) = target.version {
        vec![version.to_string()]
    } else {
        let versions = state.engine.versions(target.model);
        versions.iter().map(|it| it.version().to_string()).collect()
    };
    let tensors = |specs| -> Vec<Tensor<'_>> { <[TensorSpec]>::iter(specs).map(tensor).collect() };
    serialized(&Metadata {
        name: model.name(),
        versions,
        platform: platform(state, &model),
        inputs: tensors(&model.signature().inputs),
        outputs: tensors(&model.signature().outputs),
    })
}

fn tensor(spec: &TensorSpec) -> Tensor<'_> {
    Tensor {
        name: &spec.name,
        datatype: spec.dtype.name(),
        shape: spec.dims.as_deref().map_or_else(|| vec![-1], extents),
    }
}

/// Dimensions as this protocol has them: what is open is -1.
pub(super) fn extents(dims: &[Dim]) -> Vec<i64> {
    let extent = |dim: &Dim| match dim {
        Dim::Fixed(extent) => i64::try_from(*extent).unwrap_or(i64::MAX),
        _ => -1,
    };
    dims.iter().map(extent).collect()
}

/// The model that is meant.
pub(super) fn find(state: &State, target: Target<'_>) -> Result<std::sync::Arc<Model>, Refusal> {
    let found = state.engine.model(target.model, target.version);
    found.map_err(|error| Refusal::of_engine(&error, None))
}

/// What runs a model, as clients are told.
pub(super) fn platform<'a>(state: &'a State, model: &Model) -> &'a str {
    let facts = state.catalog.facts(model.name());
    facts.map_or("", |facts| &facts.platform)
}

/// An answer in JSON.
pub(super) fn serialized(value: &impl Serialize) -> Result<Response<Frames>, Refusal> {
    let text = serde_json::to_string(value);
    let text =
        text.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(json(text))
}
