//! What the server is, and what a model takes and gives.

use nav_engine::Engine;
use nav_package_format::{Dim, TensorSpec};

use super::find;
use crate::facts::ModelFacts;
use crate::proto::model_metadata_response::TensorMetadata;
use crate::proto::{ModelMetadataResponse, ServerMetadataResponse};
use crate::refusal::Refusal;

/// What the protocol has beyond its core, and this server too.
const EXTENSIONS: &[&str] = &[
    "classification",
    "sequence",
    "schedule_policy",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
    "trace",
    "logging",
];

/// What there is too where clients load and unload models.
const CONTROL: &[&str] = &["model_repository", "model_repository(unload_dependents)"];

/// What there is too where the operator lets clients share memory.
const SHARED_MEMORY: &[&str] = &["system_shared_memory", "cuda_shared_memory"];

/// Name, version, extensions.
pub(crate) fn server(name: &str, is_controlled: bool, has_regions: bool) -> ServerMetadataResponse {
    let control = if is_controlled { CONTROL } else { &[] };
    let shared_memory = if has_regions { SHARED_MEMORY } else { &[] };
    let extensions = EXTENSIONS.iter().chain(control).chain(shared_memory);
    ServerMetadataResponse {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extensions: extensions.map(|name| (*name).to_owned()).collect(),
    }
}

/// Name, versions, platform, tensors.
pub(crate) fn model(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<ModelMetadataResponse, Refusal> {
    let model = find(engine, name, version)?;
    let versions = if let Some(version) = version {
        vec![version.to_string()]
    } else {
        let versions = versions(engine, name).into_iter();
        versions.map(|version| version.to_string()).collect()
    };
    let signature = model.signature();
    Ok(ModelMetadataResponse {
        name: model.name().to_owned(),
        versions,
        platform: ModelFacts::of(&model).platform.clone(),
        inputs: signature.inputs.iter().map(tensor).collect(),
        outputs: signature.outputs.iter().map(tensor).collect(),
    })
}

fn tensor(spec: &TensorSpec) -> TensorMetadata {
    TensorMetadata {
        name: spec.name.clone(),
        datatype: spec.dtype.name().to_owned(),
        shape: shape(spec),
    }
}

/// The versions of a model that are served.
pub(crate) fn versions(engine: &Engine, name: &str) -> Vec<u64> {
    let versions = engine.versions(name);
    versions.iter().map(|model| model.version()).collect()
}

/// The dimensions of a tensor; one that is open where they are not known.
pub(crate) fn shape(spec: &TensorSpec) -> Vec<i64> {
    spec.dims.as_deref().map_or_else(|| vec![-1], extents)
}

/// Dimensions as this protocol has them: what is open is -1.
pub(super) fn extents(dims: &[Dim]) -> Vec<i64> {
    let extent = |dim: &Dim| match dim {
        Dim::Fixed(extent) => i64::try_from(*extent).unwrap_or(i64::MAX),
        _ => -1,
    };
    dims.iter().map(extent).collect()
}
