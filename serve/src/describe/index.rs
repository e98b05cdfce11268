//! Which models there are, and what has become of each.

use nav_engine::{Engine, ModelState};

use crate::proto::RepositoryIndexResponse;
use crate::proto::repository_index_response::ModelIndex;

/// Every model and what has become of it, or those that are ready.
pub(crate) fn index(engine: &Engine, ready: bool) -> RepositoryIndexResponse {
    let entries = engine.index().into_iter();
    let wanted = entries.filter(|entry| !ready || entry.state == ModelState::Ready);
    let models = wanted.map(|entry| {
        let (state, reason) = match entry.state {
            ModelState::Loading => ("LOADING", String::new()),
            ModelState::Ready => ("READY", String::new()),
            ModelState::Unloading => ("UNLOADING", String::new()),
            ModelState::Unavailable { reason } => ("UNAVAILABLE", reason.to_string()),
        };
        ModelIndex {
            name: entry.name.to_string(),
            version: entry.version.to_string(),
            state: state.to_owned(),
            reason,
        }
    });
    RepositoryIndexResponse {
        models: models.collect(),
    }
}
