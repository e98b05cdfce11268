//! Which models there are: those served, in a map that is read without a lock, and what became of others.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};

use crate::core::Core;
use crate::ensemble::{EnsembleError, StepModel};
use crate::error::InferError;
use crate::model::Model;

/// The models that are served. Never changed, only replaced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    models: HashMap<Arc<str>, BTreeMap<u64, Arc<Model>>>,
}

/// A version of a model that is or was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The model's name.
    pub name: Arc<str>,
    /// The version.
    pub version: u64,
    /// What has become of it.
    pub state: ModelState,
}

/// What has become of a version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// It is being loaded, and none of this version is served yet.
    Loading,
    /// It is served.
    Ready,
    /// It takes no requests, and finishes those that it has.
    Unloading,
    /// It is not served.
    Unavailable {
        /// Why not.
        reason: Arc<str>,
    },
}

/// Of how many versions it is remembered what became of them: names and versions may be new ones for ever.
const MOST: usize = 1024;

/// What became of versions that are not served.
#[derive(Debug, Default)]
pub(crate) struct Others {
    states: BTreeMap<(Arc<str>, u64), Noted>,
    /// How often something was noted.
    count: u64,
}

/// What was noted, and after how much else.
#[derive(Debug)]
struct Noted {
    order: u64,
    other: Other,
}

#[derive(Debug)]
enum Other {
    Loading,
    Unloading(Weak<Core>),
    Failed(Arc<str>),
}

impl Served {
    /// This version of a model, or its highest.
    pub(crate) fn find(&self, name: &str, version: Option<u64>) -> Result<&Arc<Model>, InferError> {
        let versions = self
            .models
            .get(name)
            .ok_or_else(|| InferError::UnknownModel { model: name.into() })?;
        let found = match version {
            Some(version) => versions.get(&version),
            None => versions.last_key_value().map(|(_, model)| model),
        };
        found.ok_or_else(|| InferError::UnknownVersion {
            model: name.into(),
            version: version.unwrap_or(0),
        })
    }

    /// Checks that every step of an ensemble suits its model, and that none leads back to it.
    pub(crate) fn check_ensemble(&self, ensemble: &Model) -> Result<(), EnsembleError> {
        let Some(plan) = ensemble.plan() else {
            return Ok(());
        };
        for (step, (name, version)) in plan.models().enumerate() {
            // One that asks itself is told so, whether or not an older one is served.
            self.check_cycle(ensemble.name(), name)?;
            let model = self
                .find(name, version)
                .map_err(|_| EnsembleError::NoModel {
                    step,
                    model: name.to_owned(),
                })?;
            let like = StepModel {
                signature: model.signature(),
                is_decoupled: model.options().decoupled,
            };
            plan.check_step(step, &like)?;
        }
        Ok(())
    }

    /// Checks that no model of this name asks that one, directly or through others. Versions are not told
    /// apart, since the highest may change.
    fn check_cycle(&self, target: &str, through: &str) -> Result<(), EnsembleError> {
        let mut seen = HashSet::new();
        let mut left = vec![through.to_owned()];
        while let Some(name) = left.pop() {
            if name == target {
                return Err(EnsembleError::ModelCycle {
                    through: through.to_owned(),
                });
            }
            for model in self.versions(&name) {
                left.extend(model.steps().map(|(name, _)| name.to_owned()));
            }
            left.retain(|name| !seen.contains(name));
            seen.insert(name);
        }
        Ok(())
    }

    pub(crate) fn versions(&self, name: &str) -> impl Iterator<Item = &Arc<Model>> {
        let versions = self.models.get(name);
        versions.into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values().flat_map(BTreeMap::values)
    }

    /// The same with this one, and the one that it takes the place of.
    pub(crate) fn with(&self, name: &Arc<str>, model: Arc<Model>) -> (Self, Option<Arc<Model>>) {
        let mut models = self.models.clone();
        let versions = models.entry(Arc::clone(name)).or_default();
        let replaced = versions.insert(model.version(), model);
        (Self { models }, replaced)
    }

    /// The same without these versions of a model, or without all of them, and what was taken out.
    pub(crate) fn without(&self, name: &str, version: Option<u64>) -> (Self, Vec<Arc<Model>>) {
        let mut models = self.models.clone();
        let mut removed = Vec::new();
        if let Some(versions) = models.get_mut(name) {
            let is_meant = |found: &u64| version.is_none_or(|version| version == *found);
            removed.extend(
                versions
                    .extract_if(.., |found, _| is_meant(found))
                    .map(|(_, it)| it),
            );
            if versions.is_empty() {
                models.remove(name);
            }
        }
        (Self { models }, removed)
    }
}

impl Others {
    /// Notes that a load begins. `false` when one is under way.
    pub(crate) fn begin_load(&mut self, name: &Arc<str>, version: u64) -> bool {
        let key = (Arc::clone(name), version);
        let noted = self.states.get(&key).map(|noted| &noted.other);
        if matches!(noted, Some(Other::Loading)) {
            return false;
        }
        self.note(key, Other::Loading);
        true
    }

    pub(crate) fn loaded(&mut self, name: &Arc<str>, version: u64) {
        self.states.remove(&(Arc::clone(name), version));
    }

    pub(crate) fn failed(&mut self, name: &Arc<str>, version: u64, reason: Arc<str>) {
        let key = (Arc::clone(name), version);
        self.note(key, Other::Failed(reason));
    }

    pub(crate) fn unloading(&mut self, core: &Arc<Core>) {
        let key = (Arc::clone(&core.name), core.version);
        self.note(key, Other::Unloading(Arc::downgrade(core)));
    }

    /// Notes what becomes of a version. If there is too much to remember, what is over for the longest time is forgotten.
    fn note(&mut self, key: (Arc<str>, u64), other: Other) {
        self.count += 1;
        let order = self.count;
        self.states.insert(key, Noted { order, other });
        if self.states.len() > MOST {
            let over = self.states.iter().filter(|(_, it)| it.other.is_over());
            let oldest = over.min_by_key(|(_, it)| it.order);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.states.remove(&key);
            }
        }
    }

    /// Everything that is known, by name and version.
    pub(crate) fn index(&self, served: &Served) -> Vec<IndexEntry> {
        let mut entries: BTreeMap<(Arc<str>, u64), ModelState> = self
            .states
            .iter()
            .map(|(key, noted)| (key.clone(), noted.other.state()))
            .collect();
        for model in served.all() {
            let key = (Arc::clone(&model.core().name), model.version());
            entries.insert(key, ModelState::Ready);
        }
        let entries = entries.into_iter();
        entries
            .map(|((name, version), state)| IndexEntry {
                name,
                version,
                state,
            })
            .collect()
    }
}

impl Other {
    /// Whether nothing more will become of it by itself.
    fn is_over(&self) -> bool {
        match self {
            Self::Loading => false,
            Self::Unloading(core) => core.upgrade().is_none_or(|core| core.has_ended()),
            Self::Failed(_) => true,
        }
    }

    fn state(&self) -> ModelState {
        match self {
            Self::Loading => ModelState::Loading,
            Self::Unloading(_) if !self.is_over() => ModelState::Unloading,
            Self::Unloading(_) => ModelState::Unavailable {
                reason: "unloaded".into(),
            },
            Self::Failed(reason) => ModelState::Unavailable {
                reason: Arc::clone(reason),
            },
        }
    }
}
