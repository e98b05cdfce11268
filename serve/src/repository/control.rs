//! Which models are served: loaded and unloaded as they are asked for, one change of a model at a time.
//!
//! A load that fails changes nothing that is served. Blocks; knows no protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nav_engine::Engine;

use super::config::{self, check};
use super::failure::LoadFailure;
use super::folder::Model;
use super::loading::Loading;
use super::open::ModelOpener;
use super::options::{Control, RepositoryError, RepositoryOptions, Startup};
use super::parameters::{LoadParameters, UnloadParameters};
use super::polling::Poller;
use super::record::{Desire, Note, Record};
use super::source::{Place, Source, all, is_model_name};
use super::uploads::{Scratch, Uploads};
use crate::log::{Level, Log};

/// Models from folders and files, served by an engine. Clones are the same repository.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) engine: Engine,
    pub(super) options: RepositoryOptions,
    opener: Arc<dyn ModelOpener>,
    log: Log,
    pub(super) scratch: Option<Scratch>,
    records: Mutex<BTreeMap<String, Record>>,
    poller: Mutex<Option<Poller>>,
}

/// A model that nobody else changes meanwhile.
pub(super) struct Turn<'a> {
    inner: &'a Inner,
    name: &'a str,
}

impl Repository {
    /// A repository of these sources. Nothing is loaded before [`Repository::start`].
    pub fn new(
        engine: Engine,
        opener: Arc<dyn ModelOpener>,
        (log, options): (&Log, RepositoryOptions),
    ) -> Result<Self, RepositoryError> {
        let places = all(&options.sources)?;
        if let Startup::Named(names) = &options.startup
            && let Some(unknown) = names.iter().find(|name| !places.contains_key(*name))
        {
            let model = unknown.clone();
            return Err(RepositoryError::NoModel { model });
        }
        let scratch = options.scratch.as_deref();
        let scratch = scratch.filter(|_| options.control == Control::Explicit);
        let scratch = scratch.map(|path| {
            Scratch::within(path).map_err(|source| RepositoryError::Scratch {
                path: path.to_owned(),
                source,
            })
        });
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                opener,
                log: log.clone(),
                scratch: scratch.transpose()?,
                records: Mutex::default(),
                poller: Mutex::default(),
                options,
            }),
        })
    }

    /// Loads what is to be loaded at the start, and watches files if they are to be watched. What could not be loaded
    /// is given back, and is in the index; the rest is served.
    pub fn start(&self) -> Result<Vec<(String, LoadFailure)>, RepositoryError> {
        let inner = &self.inner;
        let places = all(&inner.options.sources)?;
        let is_wanted = |name: &str| match &inner.options.startup {
            Startup::All => true,
            Startup::Named(names) => names.iter().any(|it| it == name) || inner.is_given(name),
        };
        let wanted: BTreeSet<String> = places.into_keys().filter(|name| is_wanted(name)).collect();
        if matches!(inner.options.control, Control::Poll(_)) {
            // Before they are loaded, so that no change meanwhile is missed.
            inner.note_looks();
        }
        let failures = inner.load_all(wanted);
        if let Control::Poll(interval) = inner.options.control {
            let poller = Poller::start(inner, interval).map_err(RepositoryError::Thread)?;
            *inner.poller.lock().unwrap_or_else(PoisonError::into_inner) = Some(poller);
        }
        Ok(failures)
    }

    /// Takes away what requests brought, as nothing is served any more. A program may end before whoever holds this
    /// last, and none of it may outlive the program.
    pub(crate) fn leave(&self) {
        if let Some(scratch) = &self.inner.scratch {
            scratch.remove();
        }
    }

    /// What serves the models.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Where models come from.
    pub fn sources(&self) -> &[Source] {
        &self.inner.options.sources
    }

    /// How models come and go.
    pub fn control(&self) -> Control {
        self.inner.options.control
    }

    /// Whether every model that should be served is, in one version at least, where that matters.
    pub fn is_ready(&self) -> bool {
        if !self.inner.options.strict_readiness {
            return true;
        }
        let records = self.inner.records();
        let mut wanted = records
            .iter()
            .filter(|(_, record)| record.desire == Desire::Served);
        wanted.all(|(name, record)| {
            // One that is loaded for the first time has not failed.
            let is_loading = record.notes.values().any(|note| *note == Note::Loading);
            is_loading || self.inner.engine.model(name, None).is_ok()
        })
    }

    /// Loads a model, or again what has changed of it. Blocks until it is served, or says why it is not.
    pub fn load(&self, name: &str, parameters: &LoadParameters) -> Result<(), LoadFailure> {
        self.inner.load(name, parameters, &mut Vec::new())
    }

    /// Takes a model out of service, and the ensembles that ask it. With its dependents, also those that only it asks.
    /// What was asked of them is still answered.
    pub fn unload(&self, name: &str, parameters: UnloadParameters) -> Result<(), LoadFailure> {
        self.inner.unload(name, parameters.dependents)
    }
}

impl Inner {
    pub(super) fn records(&self) -> MutexGuard<'_, BTreeMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn event(&self, level: Level, event: &str, fields: &[(&str, String)]) {
        self.log.event(level, event, fields);
    }

    /// Whether a model is a file that was given as such.
    fn is_given(&self, wanted: &str) -> bool {
        let mut sources = self.options.sources.iter();
        sources.any(|source| matches!(source, Source::File { name, .. } if name == wanted))
    }

    /// Loads these, several at a time, and ensembles when the others are there.
    pub(super) fn load_all(&self, names: BTreeSet<String>) -> Vec<(String, LoadFailure)> {
        let places = all(&self.options.sources).unwrap_or_default();
        let nothing = LoadParameters::default();
        let is_ensemble = |name: &String| {
            let model = Model::find(name, places.get(name), (&nothing, None));
            model.is_ok_and(|model| config::is_ensemble(&model.config))
        };
        let (ensembles, plain): (Vec<String>, Vec<String>) =
            names.into_iter().partition(is_ensemble);
        let left = Mutex::new(plain.into_iter());
        let failures = Mutex::new(Vec::new());
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
        let load = |name: String| {
            if let Err(failure) = self.load(&name, &nothing, &mut Vec::new()) {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push((name, failure));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.loads {
                scope.spawn(|| {
                    while let Some(name) = next() {
                        load(name);
                    }
                });
            }
            while let Some(name) = next() {
                load(name);
            }
        });
        // Those that others ask are loaded with them, and then have not changed.
        ensembles.into_iter().for_each(load);
        failures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads a model for those that ask it, of which the first one was asked for.
    fn load(
        &self,
        name: &str,
        parameters: &LoadParameters,
        chain: &mut Vec<String>,
    ) -> Result<(), LoadFailure> {
        let place = self.place(name)?;
        let is_known = place.is_some() || self.records().contains_key(name);
        let is_brought = !parameters.files().is_empty() && is_model_name(name);
        if !is_known && !is_brought {
            let model = name.to_owned();
            return Err(LoadFailure::Unknown { model });
        }
        let turn = self.turn(name)?;
        let loaded = self.load_in_turn(name, place.as_ref(), (parameters, &mut *chain));
        self.settle(name, &loaded, parameters);
        drop(turn);
        if loaded? {
            self.tell_dependents(name, chain);
        }
        Ok(())
    }

    pub(super) fn place(&self, name: &str) -> Result<Option<Place>, LoadFailure> {
        let places = all(&self.options.sources).map_err(|source| LoadFailure::Repository {
            model: name.to_owned(),
            source,
        })?;
        Ok(places.get(name).cloned())
    }

    pub(super) fn turn<'a>(&'a self, name: &'a str) -> Result<Turn<'a>, LoadFailure> {
        let mut records = self.records();
        let record = records.entry(name.to_owned()).or_default();
        if std::mem::replace(&mut record.is_busy, true) {
            let model = name.to_owned();
            return Err(LoadFailure::Busy { model });
        }
        Ok(Turn { inner: self, name })
    }

    /// Whether anything is served now that was not before.
    fn load_in_turn(
        &self,
        name: &str,
        place: Option<&Place>,
        (parameters, chain): (&LoadParameters, &mut Vec<String>),
    ) -> Result<bool, LoadFailure> {
        let uploads = self.upload(name, parameters)?;
        let model = Model::find(name, place, (parameters, uploads))?;
        let checked = check(&model.config, name).map_err(|source| LoadFailure::Config {
            model: name.to_owned(),
            file: model.config_from.clone().unwrap_or_default(),
            source,
        })?;
        let is_ensemble = config::is_ensemble(&model.config);
        if is_ensemble {
            self.load_steps(&model, chain)?;
        }
        let (mut failure, mut is_new) = (None, false);
        for &version in &model.versions {
            let stamp = model
                .stamp_of(version)
                .map_err(|source| LoadFailure::Files {
                    model: name.to_owned(),
                    source,
                })?;
            if !self.has_changed(name, version, stamp) {
                self.note(name, version, None);
                continue;
            }
            self.note(name, version, Some(Note::Loading));
            let loading = Loading {
                engine: &self.engine,
                opener: &*self.opener,
                model: &model,
                stamp,
            };
            let loaded = if is_ensemble {
                loading.load_ensemble(&checked, version)
            } else {
                loading.load(&checked, version)
            };
            match loaded {
                Ok(told) => {
                    self.served(&model, version, (stamp, &told));
                    is_new = true;
                }
                Err(source) => {
                    let one = LoadFailure::Version {
                        model: name.to_owned(),
                        version,
                        source,
                    };
                    self.failed(name, Some(version), &one);
                    failure = failure.or(Some(one));
                }
            }
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        is_new |= self.retire_others(name, &model.versions);
        self.with(name, |record| record.steps = config::steps(&model.config));
        Ok(is_new)
    }

    fn upload(
        &self,
        name: &str,
        parameters: &LoadParameters,
    ) -> Result<Option<Uploads>, LoadFailure> {
        if parameters.files().is_empty() {
            return Ok(None);
        }
        let written = match &self.scratch {
            Some(scratch) => Uploads::write(parameters, scratch.path()),
            None => Err(std::io::Error::other(
                "files of requests are not taken here",
            )),
        };
        written.map(Some).map_err(|source| LoadFailure::Files {
            model: name.to_owned(),
            source,
        })
    }

    /// Loads the models that an ensemble asks and that are not served.
    fn load_steps(&self, model: &Model, chain: &mut Vec<String>) -> Result<(), LoadFailure> {
        let name = &model.name;
        let steps = config::steps(&model.config);
        chain.push(name.clone());
        let mut loaded = Ok(());
        for step in steps {
            if chain.contains(&step) {
                loaded = Err(LoadFailure::Cycle {
                    model: name.clone(),
                    through: chain.join(", "),
                });
            } else if self.engine.model(&step, None).is_err() {
                loaded = self
                    .load(&step, &LoadParameters::default(), chain)
                    .map_err(|source| LoadFailure::Step {
                        model: name.clone(),
                        step,
                        source: Box::new(source),
                    });
            }
            if loaded.is_err() {
                break;
            }
        }
        chain.pop();
        loaded
    }

    /// Lets the ensembles that ask a model see that it is another one now.
    fn tell_dependents(&self, name: &str, chain: &mut Vec<String>) {
        for ensemble in self.ensembles_asking(name) {
            if !chain.contains(&ensemble) {
                self.with(&ensemble, |record| record.loaded.clear());
                // Its failure is noted, and an older one goes on.
                drop(self.load(&ensemble, &LoadParameters::default(), chain));
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.inner.with(self.name, |record| {
            record.is_busy = false;
            // Something is left of it only when this is dropped by a panic.
            record.notes.retain(|_, note| *note != Note::Loading);
        });
        self.inner.forget_one();
    }
}
