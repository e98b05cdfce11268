//! What the server is, and what a model takes and gives.

use nav_engine::{Engine, InferError};
use nav_package_format::{Dim, TensorSpec};

use crate::facts::ModelFacts;
use crate::inside::{ModelMetadata, TensorMetadata};
use crate::proto::model_metadata_response as proto;
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

/// Name, versions, platform, tensors: this version of a model, or the highest.
pub(crate) fn metadata(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<ModelMetadata, InferError> {
    let model = engine.model(name, version)?;
    let versions = match version {
        Some(version) => vec![version],
        None => engine
            .versions(name)
            .iter()
            .map(|it| it.version())
            .collect(),
    };
    let tensor = |spec: &TensorSpec| TensorMetadata {
        name: spec.name.clone(),
        dtype: spec.dtype,
        shape: shape(spec),
    };
    let signature = model.signature();
    Ok(ModelMetadata {
        name: model.name().to_owned(),
        versions,
        platform: ModelFacts::of(&model).platform.clone(),
        inputs: signature.inputs.iter().map(tensor).collect(),
        outputs: signature.outputs.iter().map(tensor).collect(),
    })
}

/// The same as it travels.
pub(crate) fn model(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<ModelMetadataResponse, Refusal> {
    let told = metadata(engine, name, version);
    let told = told.map_err(|error| Refusal::of_engine(&error, None))?;
    let tensor = |tensor: TensorMetadata| proto::TensorMetadata {
        name: tensor.name,
        datatype: tensor.dtype.name().to_owned(),
        shape: tensor.shape,
    };
    Ok(ModelMetadataResponse {
        name: told.name,
        versions: told.versions.iter().map(u64::to_string).collect(),
        platform: told.platform,
        inputs: told.inputs.into_iter().map(tensor).collect(),
        outputs: told.outputs.into_iter().map(tensor).collect(),
    })
}

/// The dimensions of a tensor; one that is open where they are not known.
fn shape(spec: &TensorSpec) -> Vec<i64> {
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
