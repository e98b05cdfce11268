//! Which models there are, and changes of that, where clients may change it.

use std::collections::BTreeMap;

use hyper::Response;

use super::call::Call;
use super::reply::Reply;
use crate::describe;
use crate::proto::model_repository_parameter::ParameterChoice;
use crate::proto::{
    ModelRepositoryParameter, RepositoryIndexRequest, RepositoryIndexResponse,
    RepositoryModelLoadRequest, RepositoryModelLoadResponse, RepositoryModelUnloadRequest,
    RepositoryModelUnloadResponse,
};
use crate::refusal::Refusal;
use crate::repository::{LoadParameters, ParameterValue, Repository, UnloadParameters};
use crate::state::State;

/// Every model and what has become of it, or those that are ready.
pub(super) fn index(
    state: &State,
    asked: &RepositoryIndexRequest,
) -> Result<RepositoryIndexResponse, Refusal> {
    check_name(&asked.repository_name)?;
    let repository = state.repository.as_ref();
    Ok(describe::index(&state.engine, repository, asked.ready))
}

/// Loads a model.
pub(super) async fn load(mut call: Call) -> Result<Response<Reply>, Refusal> {
    let (asked, share) = call.only::<RepositoryModelLoadRequest>().await?;
    check_name(&asked.repository_name)?;
    let repository = Repository::controlled(call.state.repository.as_ref())?;
    let mut taken = LoadParameters::default();
    for (name, value) in parameters(asked.parameters) {
        taken.set(&name, value)?;
    }
    repository.load_asked(&asked.model_name, taken).await?;
    drop(share);
    call.reply(RepositoryModelLoadResponse {}).await
}

/// Unloads a model.
pub(super) async fn unload(mut call: Call) -> Result<Response<Reply>, Refusal> {
    let (asked, share) = call.only::<RepositoryModelUnloadRequest>().await?;
    check_name(&asked.repository_name)?;
    let repository = Repository::controlled(call.state.repository.as_ref())?;
    let mut taken = UnloadParameters::default();
    for (name, value) in parameters(asked.parameters) {
        taken.set(&name, &value)?;
    }
    repository.unload_asked(&asked.model_name, taken).await?;
    drop(share);
    call.reply(RepositoryModelUnloadResponse {}).await
}

fn check_name(repository: &str) -> Result<(), Refusal> {
    if repository.is_empty() {
        return Ok(());
    }
    Err(Refusal::control_elsewhere())
}

fn parameters(
    given: BTreeMap<String, ModelRepositoryParameter>,
) -> impl Iterator<Item = (String, ParameterValue)> {
    given.into_iter().map(|(name, parameter)| {
        let value = match parameter.parameter_choice {
            Some(ParameterChoice::StringParam(text)) => ParameterValue::Text(text),
            Some(ParameterChoice::BytesParam(bytes)) => ParameterValue::Bytes(bytes),
            Some(ParameterChoice::BoolParam(value)) => ParameterValue::Bool(value),
            Some(ParameterChoice::Int64Param(_)) | None => ParameterValue::Other,
        };
        (name, value)
    })
}
