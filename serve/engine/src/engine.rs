//! The engine: models by name and version, requests to them, and the end of it all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use nav_runners::with_causes;

use crate::cache::{CacheStatistics, ResponseCache};
use crate::core::{Core, Shared};
use crate::ensemble::EnsembleSpec;
use crate::error::InferError;
use crate::limits::Limits;
use crate::load_error::ModelError;
use crate::model::{Model, ModelSpec};
use crate::registry::{IndexEntry, Others, Served};
use crate::reply::{ReplyFuture, ReplyStream};
use crate::request::Request;
use crate::sequence::StateBudget;
use crate::supervisor::Supervisor;

/// Limits of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// The most requests in flight, in all models together.
    pub max_requests: usize,
    /// The most bytes that the inputs of requests in flight may take, in all models together.
    pub max_bytes: usize,
    /// The most bytes that may be kept of sequences between their requests, in all models together.
    pub max_state_bytes: usize,
    /// How many bytes responses may take that are kept for requests that are the same; 0 for keeping none.
    pub cache_bytes: usize,
}

/// Models, and requests to them. Clones are the same engine; with the last one, its models go.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    served: Arc<ArcSwap<Served>>,
    /// Held while the map is replaced, and never while a model is loaded.
    others: Mutex<Others>,
    shared: Shared,
    is_draining: AtomicBool,
}

/// Versions of a model that were taken out of service, and still finish what they have.
#[derive(Debug)]
pub struct Retired {
    cores: Vec<Arc<Core>>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_requests: 1 << 16,
            max_bytes: 4 << 30,
            max_state_bytes: 4 << 30,
            cache_bytes: 0,
        }
    }
}

impl Engine {
    /// An engine without models. Fails only when the system gives no thread for its clock.
    pub fn new(options: EngineOptions) -> std::io::Result<Self> {
        let served = Arc::<ArcSwap<Served>>::default();
        Ok(Self {
            inner: Arc::new(Inner {
                others: Mutex::default(),
                shared: Shared {
                    limits: Arc::new(Limits::new(options.max_requests, options.max_bytes)),
                    states: Arc::new(StateBudget::new(options.max_state_bytes)),
                    supervisor: Supervisor::start()?,
                    cache: (options.cache_bytes > 0)
                        .then(|| Arc::new(ResponseCache::new(options.cache_bytes))),
                    loads: Arc::default(),
                    served: Arc::downgrade(&served),
                },
                served,
                is_draining: AtomicBool::new(false),
            }),
        })
    }

    /// Serves a version of a model; blocks until it is ready. One of the same version serves until then, and
    /// finishes what it has; if this one fails, the old one goes on.
    pub fn load(&self, name: &str, version: u64, spec: ModelSpec) -> Result<(), ModelError> {
        let name: Arc<str> = name.into();
        if self.is_draining() {
            return Err(ModelError::ShuttingDown);
        }
        if !self.inner.others().begin_load(&name, version) {
            return Err(ModelError::Busy {
                model: name.as_ref().to_owned(),
                version,
            });
        }
        let shared = self.inner.shared.clone();
        let started = Model::start(Arc::clone(&name), version, spec, shared);
        let others = self.inner.others();
        self.inner.settle(others, &name, version, started)
    }

    /// Serves a version of an ensemble, whose models must be served.
    pub fn load_ensemble(
        &self,
        name: &str,
        version: u64,
        spec: &EnsembleSpec,
    ) -> Result<(), ModelError> {
        let name: Arc<str> = name.into();
        if self.is_draining() {
            return Err(ModelError::ShuttingDown);
        }
        let shared = self.inner.shared.clone();
        let made = Model::ensemble(Arc::clone(&name), version, spec, shared);
        // Checked and served under one lock, so that two that ask each other cannot both come in.
        let others = self.inner.others();
        let checked = made.and_then(|model| {
            self.inner.served.load().check_ensemble(&model)?;
            Ok(model)
        });
        self.inner.settle(others, &name, version, checked)
    }

    /// Takes a version of a model, or all of them, out of service. What was asked of it is still answered.
    pub fn unload(&self, name: &str, version: Option<u64>) -> Retired {
        let mut others = self.inner.others();
        let (replacement, removed) = self.inner.served.load().without(name, version);
        if removed.is_empty() {
            return Retired { cores: Vec::new() };
        }
        for model in &removed {
            others.unloading(model.core());
        }
        self.inner.served.store(Arc::new(replacement));
        drop(others);
        Retired::of(&removed)
    }

    /// This version of a model, or its highest. Whoever holds it may still ask it after it was unloaded or
    /// replaced.
    pub fn model(&self, name: &str, version: Option<u64>) -> Result<Arc<Model>, InferError> {
        self.inner.served.load().find(name, version).cloned()
    }

    /// All versions of a model that are served, from the lowest on.
    pub fn versions(&self, name: &str) -> Vec<Arc<Model>> {
        self.inner.served.load().versions(name).cloned().collect()
    }

    /// All models that are served.
    pub fn models(&self) -> Vec<Arc<Model>> {
        self.inner.served.load().all().cloned().collect()
    }

    /// Every version of every model that is or was known, and what has become of it.
    pub fn index(&self) -> Vec<IndexEntry> {
        let others = self.inner.others();
        others.index(&self.inner.served.load())
    }

    /// Asks this version of a model, or its highest, for one response. Never blocks.
    pub fn infer(&self, name: &str, version: Option<u64>, request: Request) -> ReplyFuture {
        match self.admitting_model(name, version) {
            Ok(model) => model.infer(request),
            Err(error) => ReplyFuture::known(Err(error)),
        }
    }

    /// Asks this version of a model, or its highest, for any number of responses. Never blocks.
    pub fn stream(&self, name: &str, version: Option<u64>, request: Request) -> ReplyStream {
        match self.admitting_model(name, version) {
            Ok(model) => model.stream(request),
            Err(error) => ReplyStream::failed(error),
        }
    }

    fn admitting_model(&self, name: &str, version: Option<u64>) -> Result<Arc<Model>, InferError> {
        if self.is_draining() {
            return Err(InferError::ShuttingDown);
        }
        self.model(name, version)
    }

    /// Whether requests are taken, and every model that is served is well.
    pub fn is_ready(&self) -> bool {
        !self.is_draining()
            && self
                .inner
                .served
                .load()
                .all()
                .all(|model| model.health().is_ready)
    }

    /// How the cache is doing, if there is one.
    pub fn cache_statistics(&self) -> Option<CacheStatistics> {
        let cache = self.inner.shared.cache.as_ref()?;
        Some(cache.statistics())
    }

    /// How many requests are in flight.
    pub fn requests_in_flight(&self) -> usize {
        self.inner.shared.limits.requests()
    }

    /// How many bytes the inputs of the requests in flight take.
    pub fn bytes_in_flight(&self) -> usize {
        self.inner.shared.limits.bytes()
    }

    /// How many bytes are kept of sequences.
    pub fn state_bytes(&self) -> usize {
        self.inner.shared.states.taken()
    }

    /// Takes no more requests, and is not ready from now on.
    pub fn begin_drain(&self) {
        self.inner.is_draining.store(true, Ordering::Release);
        for model in self.inner.served.load().all() {
            model.core().lanes.hurry();
        }
    }

    fn is_draining(&self) -> bool {
        self.inner.is_draining.load(Ordering::Acquire)
    }

    /// Takes no more requests, waits for the answers to those in flight, answers what still waits at the
    /// deadline, and ends all models. Whether everything was answered by its model and every thread ended.
    pub fn shut_down(&self, deadline: Instant) -> bool {
        self.begin_drain();
        let is_drained = self.inner.shared.limits.drain(deadline);
        let served = self.inner.served.swap(Arc::default());
        let retired =
            Retired::of_cores(served.all().map(|model| Arc::clone(model.core())).collect());
        for core in &retired.cores {
            core.lanes.close();
            if !is_drained {
                core.refuse_waiting(&InferError::ShuttingDown);
            }
        }
        drop(served);
        retired.wait(deadline) && is_drained
    }
}

impl Retired {
    fn of(models: &[Arc<Model>]) -> Self {
        Self::of_cores(
            models
                .iter()
                .map(|model| Arc::clone(model.core()))
                .collect(),
        )
    }

    const fn of_cores(cores: Vec<Arc<Core>>) -> Self {
        Self { cores }
    }

    /// How many versions there are.
    pub const fn len(&self) -> usize {
        self.cores.len()
    }

    /// Whether nothing was served under that name.
    pub const fn is_empty(&self) -> bool {
        self.cores.is_empty()
    }

    /// Waits until all have answered everything and given back what they held, but not beyond `until`.
    /// Whether they have.
    pub fn wait(&self, until: Instant) -> bool {
        self.cores.iter().all(|core| core.wait_ended(until))
    }
}

impl Inner {
    /// Serves what was made of a version, or keeps why nothing was. What it replaces ends when nobody holds the lock
    /// any more: it may take its time.
    fn settle(
        &self,
        mut others: MutexGuard<'_, Others>,
        name: &Arc<str>,
        version: u64,
        made: Result<Model, ModelError>,
    ) -> Result<(), ModelError> {
        let model = made.inspect_err(|error| {
            others.failed(name, version, with_causes(error).into());
        })?;
        others.loaded(name, model.version());
        let (replacement, replaced) = self.served.load().with(name, Arc::new(model));
        self.served.store(Arc::new(replacement));
        drop(others);
        drop(replaced);
        Ok(())
    }

    fn others(&self) -> MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.supervisor.stop();
    }
}
