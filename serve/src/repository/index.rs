//! Which models there are, served or not, and what has become of each version.

use std::collections::BTreeMap;
use std::sync::Arc;

use nav_engine::ModelState;

use super::control::Repository;
use super::record::Note;
use super::source::all;

/// A version of a model, or a model of which no version is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedModel {
    /// The model's name.
    pub name: String,
    /// The version, where one is known.
    pub version: Option<u64>,
    /// What has become of it; `None` where nobody has asked for it.
    pub state: Option<ModelState>,
    /// Why the last load failed of one that is served nevertheless.
    pub last_failure: Option<Arc<str>>,
}

impl Repository {
    /// Every model that there is or was, by name and version.
    pub fn index(&self) -> Vec<IndexedModel> {
        let inner = &self.inner;
        let mut entries: BTreeMap<(String, Option<u64>), IndexedModel> = BTreeMap::new();
        let mut insert = |name: &str, version, state, last_failure| {
            let entry = IndexedModel {
                name: name.to_owned(),
                version,
                state,
                last_failure,
            };
            entries.insert((name.to_owned(), version), entry);
        };
        // Taken first: what is loaded meanwhile is then seen by the engine.
        let noted: Vec<(String, Option<u64>, Note)> = {
            let records = inner.records();
            let notes = records.iter().flat_map(|(name, record)| {
                let notes = record.notes.iter();
                notes.map(|(version, note)| (name.clone(), *version, note.clone()))
            });
            notes.collect()
        };
        let served = inner.engine.index();
        for entry in &served {
            insert(
                &entry.name,
                Some(entry.version),
                Some(entry.state.clone()),
                None,
            );
        }
        for (name, version, note) in noted {
            let is_served = served.iter().any(|entry| {
                *entry.name == *name
                    && Some(entry.version) == version
                    && entry.state == ModelState::Ready
            });
            match (note, is_served) {
                (Note::Loading, true) => {}
                (Note::Failed(reason), true) => {
                    insert(&name, version, Some(ModelState::Ready), Some(reason));
                }
                (Note::Loading, false) => insert(&name, version, Some(ModelState::Loading), None),
                (Note::Failed(reason), false) => {
                    let state = ModelState::Unavailable { reason };
                    insert(&name, version, Some(state), None);
                }
            }
        }
        for name in all(&inner.options.sources).unwrap_or_default().into_keys() {
            let is_told = entries.keys().any(|(told, _)| *told == name);
            if !is_told {
                let entry = IndexedModel {
                    name: name.clone(),
                    version: None,
                    state: None,
                    last_failure: None,
                };
                entries.insert((name, None), entry);
            }
        }
        entries.into_values().collect()
    }
}
