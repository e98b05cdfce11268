//! Models taken out of service, with the ensembles that ask them and, where that is wanted, the models that only they
//! ask.

use super::control::Inner;
use super::failure::LoadFailure;
use super::record::{Desire, Note};
use crate::log::Level;

impl Inner {
    pub(super) fn unload(&self, name: &str, dependents: bool) -> Result<(), LoadFailure> {
        let is_known = self.records().contains_key(name)
            || self.place(name)?.is_some()
            || self.engine.model(name, None).is_ok();
        if !is_known {
            let model = name.to_owned();
            return Err(LoadFailure::Unknown { model });
        }
        let turn = self.turn(name)?;
        let mut steps = Vec::new();
        self.with(name, |record| {
            record.desire = Desire::Not;
            record.notes.clear();
            record.loaded.clear();
            steps = std::mem::take(&mut record.steps);
        });
        self.take_out(name);
        drop(turn);
        self.take_out_asking(name);
        if dependents {
            for step in steps {
                if self.ensembles_asking(&step).is_empty() {
                    self.unload(&step, true)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the versions out of service that are not among these. Whether there were any.
    pub(super) fn retire_others(&self, name: &str, versions: &[u64]) -> bool {
        let mut has_some = false;
        for model in self.engine.versions(name) {
            let version = model.version();
            if !versions.contains(&version) {
                has_some |= !self.engine.unload(name, Some(version)).is_empty();
                let fields = [("model", name.to_owned()), ("version", version.to_string())];
                self.event(Level::Info, "unloaded", &fields);
            }
        }
        self.with(name, |record| {
            record
                .loaded
                .retain(|version, _| versions.contains(version));
            record
                .notes
                .retain(|version, _| version.is_none_or(|it| versions.contains(&it)));
        });
        has_some
    }

    pub(super) fn ensembles_asking(&self, name: &str) -> Vec<String> {
        let records = self.records();
        let asking = records.iter().filter(|(_, record)| {
            record.desire != Desire::Not && record.steps.iter().any(|step| step == name)
        });
        asking.map(|(name, _)| name.clone()).collect()
    }

    /// Takes the ensembles out of service that ask a model which is not served, until it is.
    pub(super) fn take_out_asking(&self, name: &str) {
        for ensemble in self.ensembles_asking(name) {
            let mut was_served = false;
            self.with(&ensemble, |record| {
                was_served = record.desire == Desire::Served;
                record.desire = Desire::WithSteps;
                let text = format!("it asks model '{name}', which is not served");
                let failed = Note::Failed(text.into());
                for version in std::mem::take(&mut record.loaded).into_keys() {
                    record.notes.insert(Some(version), failed.clone());
                }
            });
            self.take_out(&ensemble);
            if was_served {
                self.take_out_asking(&ensemble);
            }
        }
    }

    pub(super) fn take_out(&self, name: &str) {
        if !self.engine.unload(name, None).is_empty() {
            let fields = [("model", name.to_owned())];
            self.event(Level::Info, "unloaded", &fields);
        }
    }
}
