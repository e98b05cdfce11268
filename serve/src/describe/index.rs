//! Which models there are, and what has become of each.

use nav_engine::{Engine, ModelState};

use crate::proto::RepositoryIndexResponse;
use crate::proto::repository_index_response::ModelIndex;
use crate::repository::{IndexedModel, Repository};

/// Every model and what has become of it, or those that are ready.
pub(crate) fn index(
    engine: &Engine,
    repository: Option<&Repository>,
    ready: bool,
) -> RepositoryIndexResponse {
    let entries = match repository {
        Some(repository) => repository.index(),
        None => served(engine),
    };
    let wanted = entries
        .into_iter()
        .filter(|entry| !ready || entry.state == Some(ModelState::Ready));
    RepositoryIndexResponse {
        models: wanted.map(told).collect(),
    }
}

fn served(engine: &Engine) -> Vec<IndexedModel> {
    let entries = engine.index().into_iter();
    let entries = entries.map(|entry| IndexedModel {
        name: entry.name.to_string(),
        version: Some(entry.version),
        state: Some(entry.state),
        last_failure: None,
    });
    entries.collect()
}

fn told(entry: IndexedModel) -> ModelIndex {
    let (state, reason) = match entry.state {
        None => ("", String::new()),
        Some(ModelState::Loading) => ("LOADING", String::new()),
        Some(ModelState::Ready) => (
            "READY",
            entry.last_failure.as_deref().unwrap_or_default().to_owned(),
        ),
        Some(ModelState::Unloading) => ("UNLOADING", String::new()),
        Some(ModelState::Unavailable { reason }) => ("UNAVAILABLE", reason.to_string()),
    };
    ModelIndex {
        name: entry.name,
        version: entry.version.map(|it| it.to_string()).unwrap_or_default(),
        state: state.to_owned(),
        reason,
    }
}
