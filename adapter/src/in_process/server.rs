//! The server: its models, and how they come and go.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nav_engine::{InferError, ModelState};
use nav_serve::{
    Control, LoadFailure, LoadParameters, Metrics, Repository, ServerMetadata, UnloadParameters,
};

use super::builder::ServerBuilder;
use super::model::Model;
use crate::gpus::gpus;

/// A server in this program. Dropped, it answers what it was asked and ends.
#[derive(Debug)]
pub struct Server {
    repository: Repository,
    metrics: Metrics,
    exit_timeout: Duration,
}

/// What has become of a version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody has asked for it.
    Unknown,
    /// It is in this state.
    Known(ModelState),
}

/// How often graphics processors are looked at.
const GPUS_EVERY: Duration = Duration::from_secs(2);

/// Metrics, of graphics processors too where there are some and a thread can look at them.
fn metrics() -> Metrics {
    let seen = gpus().map(|gpus| Metrics::with_gpus(gpus, GPUS_EVERY));
    seen.and_then(Result::ok).unwrap_or_default()
}

impl Server {
    /// A server in the making.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    pub(super) fn new(repository: Repository, exit_timeout: Duration) -> Self {
        Self {
            repository,
            metrics: metrics(),
            exit_timeout,
        }
    }

    pub(super) const fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Whether it lives, which it does until it is stopped.
    pub fn live(&self) -> bool {
        true
    }

    /// Whether it takes requests, and every model that should be served is, and is well.
    pub fn ready(&self) -> bool {
        self.repository.engine().is_ready() && self.repository.is_ready()
    }

    /// What it is.
    pub fn metadata(&self) -> ServerMetadata {
        self.repository.server_metadata()
    }

    /// Every model that there is or was, by name and version, and what has become of it. One that was never loaded has no
    /// version yet.
    pub fn models(&self) -> BTreeMap<(String, Option<u64>), Status> {
        let entries = self.repository.index().into_iter();
        let entries = entries.map(|entry| {
            let status = entry.state.map_or(Status::Unknown, Status::Known);
            ((entry.name, entry.version), status)
        });
        entries.collect()
    }

    /// A model that is served, in its highest version.
    pub fn model(&self, name: &str) -> Result<Model, InferError> {
        self.model_version(name, None)
    }

    /// A model that is served, in this version.
    pub fn model_version(&self, name: &str, version: Option<u64>) -> Result<Model, InferError> {
        self.repository.engine().model(name, version)?;
        Ok(Model::new(&self.repository, name, version))
    }

    /// Loads a model of the repository, or again what has changed of it, and blocks until it is served. What was served
    /// before goes on if this fails.
    pub fn load(&self, name: &str) -> Result<Model, LoadFailure> {
        self.load_with(name, &LoadParameters::default())
    }

    /// The same with a configuration, or files, instead of those in the repository. Files are taken where models are
    /// controlled explicitly.
    pub fn load_with(&self, name: &str, parameters: &LoadParameters) -> Result<Model, LoadFailure> {
        self.repository.load(name, parameters)?;
        Ok(Model::new(&self.repository, name, None))
    }

    /// Takes a model out of service, and the ensembles that ask it. What was asked of it is still answered.
    pub fn unload(&self, name: &str) -> Result<(), LoadFailure> {
        self.unload_with(name, UnloadParameters::default())
    }

    /// The same, with the models that only it asks if the parameters say so.
    pub fn unload_with(&self, name: &str, parameters: UnloadParameters) -> Result<(), LoadFailure> {
        self.repository.unload(name, parameters)
    }

    /// How models come and go.
    pub fn model_control(&self) -> Control {
        self.repository.control()
    }

    /// What happened, in Prometheus' text.
    pub fn metrics(&self) -> String {
        self.metrics.text(self.repository.engine())
    }

    /// Takes no more requests, and answers those that it has within the time that it was given for that. Whether all of
    /// them were answered by their models.
    pub fn stop(self) -> bool {
        self.end()
    }

    fn end(&self) -> bool {
        let now = Instant::now();
        let until = now.checked_add(self.exit_timeout).unwrap_or(now);
        self.repository.engine().shut_down(until)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A second time, there is nothing left to do.
        self.end();
    }
}
