//! What a model takes and gives, how it is served, what happened in it, whether it takes requests.

use crate::describe;
use crate::proto::{
    ModelConfigRequest, ModelConfigResponse, ModelMetadataRequest, ModelMetadataResponse,
    ModelReadyRequest, ModelReadyResponse, ModelStatisticsRequest, ModelStatisticsResponse,
};
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::Fault;

/// The version that is meant: none for the latest.
pub(super) fn version(given: &str) -> Result<Option<u64>, Fault> {
    if given.is_empty() {
        return Ok(None);
    }
    let wrong = |_| Fault::Version {
        given: given.chars().take(32).collect(),
    };
    given.parse().map(Some).map_err(wrong)
}

/// Whether this model takes requests. One that is not there does not.
pub(super) fn ready(
    state: &State,
    asked: &ModelReadyRequest,
) -> Result<ModelReadyResponse, Refusal> {
    let found = state.engine.model(&asked.name, version(&asked.version)?);
    let ready = found.is_ok_and(|model| model.health().is_ready);
    Ok(ModelReadyResponse { ready })
}

/// Name, versions, platform, tensors.
pub(super) fn metadata(
    state: &State,
    asked: &ModelMetadataRequest,
) -> Result<ModelMetadataResponse, Refusal> {
    describe::model(&state.engine, &asked.name, version(&asked.version)?)
}

/// The configuration of this model.
pub(super) fn config(
    state: &State,
    asked: &ModelConfigRequest,
) -> Result<ModelConfigResponse, Refusal> {
    let config = describe::config(&state.engine, &asked.name, version(&asked.version)?)?;
    Ok(ModelConfigResponse {
        config: Some(config),
    })
}

/// What happened in one version of a model, in all of them, or in every model.
pub(super) fn statistics(
    state: &State,
    asked: &ModelStatisticsRequest,
) -> Result<ModelStatisticsResponse, Refusal> {
    let version = version(&asked.version)?;
    if asked.name.is_empty() {
        return Ok(describe::of_all(&state.engine));
    }
    describe::of_model(&state.engine, &asked.name, version)
}
