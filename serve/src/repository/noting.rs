//! What is remembered of loads for the index, and told of them in the log.

use nav_package_format::Digest;

use super::control::Inner;
use super::failure::{LoadFailure, told};
use super::folder::Model;
use super::loading::Told;
use super::parameters::LoadParameters;
use super::record::{Desire, Loaded, Note, Record};
use super::source::Source;
use super::uploads::Scratch;
use crate::log::Level;

/// How many models are remembered whatever has become of them.
const MOST: usize = 256;

impl Inner {
    pub(super) fn has_changed(&self, name: &str, version: u64, stamp: Digest) -> bool {
        let records = self.records();
        let loaded = records
            .get(name)
            .and_then(|record| record.loaded.get(&version));
        let is_same = loaded.is_some_and(|loaded| loaded.stamp == stamp);
        !is_same || self.engine.model(name, Some(version)).is_err()
    }

    pub(super) fn with(&self, name: &str, change: impl FnOnce(&mut Record)) {
        change(self.records().entry(name.to_owned()).or_default());
    }

    /// Forgets a model that nobody wants served, if there are too many to remember: requests may bring them under new
    /// names for ever.
    pub(super) fn forget_one(&self) {
        let mut records = self.records();
        if records.len() > MOST {
            let idle = records.iter().find(|(_, record)| record.is_idle());
            if let Some(name) = idle.map(|(name, _)| name.clone()) {
                records.remove(&name);
            }
        }
    }

    pub(super) fn note(&self, name: &str, version: u64, note: Option<Note>) {
        self.with(name, |record| {
            match note {
                Some(note) => record.notes.insert(Some(version), note),
                None => record.notes.remove(&Some(version)),
            };
        });
    }

    pub(super) fn served(&self, model: &Model, version: u64, (stamp, told): (Digest, &Told)) {
        let loaded = Loaded {
            stamp,
            _uploads: model.uploads.clone(),
        };
        self.with(&model.name, |record| {
            record.notes.remove(&Some(version));
            record.loaded.insert(version, loaded);
        });
        let named = [
            ("model", model.name.clone()),
            ("version", version.to_string()),
        ];
        let mut fields = named.to_vec();
        fields.extend(told.facts.iter().cloned());
        fields.push(("took", format!("{:.0?}", told.took)));
        self.event(Level::Info, "loaded", &fields);
        if let Some(assumed) = &told.assumed {
            let what = [("what", assumed.clone())];
            self.event(Level::Info, "assumed", &[&named[..], &what].concat());
        }
        for text in &told.unhonoured {
            let what = [("what", text.clone())];
            self.event(Level::Warning, "unhonoured", &[&named[..], &what].concat());
        }
    }

    /// Notes a failure for the index, and tells it in full.
    pub(super) fn failed(&self, name: &str, version: Option<u64>, failure: &LoadFailure) {
        let note = Note::Failed(self.told(failure).into());
        self.with(name, |record| {
            record.notes.insert(version, note);
        });
        self.tell_failed(name, version, failure);
    }

    pub(super) fn tell_failed(&self, name: &str, version: Option<u64>, failure: &LoadFailure) {
        let mut fields = vec![("model", name.to_owned())];
        fields.extend(version.map(|version| ("version", version.to_string())));
        fields.push(("why", told(failure, &[])));
        self.event(Level::Error, "not loaded", &fields);
    }

    /// A failure in words for clients.
    pub(super) fn told(&self, failure: &LoadFailure) -> String {
        let roots = self.options.sources.iter().filter_map(Source::root);
        let scratch = self.scratch.as_ref().map(Scratch::path);
        let roots: Vec<String> = roots
            .chain(scratch)
            .map(|root| root.display().to_string())
            .collect();
        let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
        told(failure, &roots)
    }

    /// Notes what came of a load. What a request brought and cannot be says nothing of the model.
    pub(super) fn settle(
        &self,
        name: &str,
        loaded: &Result<bool, LoadFailure>,
        parameters: &LoadParameters,
    ) {
        match loaded {
            Ok(_) => self.with(name, |record| {
                record.desire = Desire::Served;
                record.notes.remove(&None);
            }),
            Err(LoadFailure::Version { .. }) => {
                self.with(name, |record| record.desire = Desire::Served);
            }
            Err(LoadFailure::Unknown { .. }) => {}
            Err(failure) if parameters.is_empty() => {
                self.with(name, |record| record.desire = Desire::Served);
                self.failed(name, None, failure);
            }
            Err(failure) => self.tell_failed(name, None, failure),
        }
    }
}
