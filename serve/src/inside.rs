//! What clients are told of models, for programs that serve models to themselves: the same answers, without a protocol.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nav_engine::{Engine, InferError, Model};
use nav_package_format::DType;
use serde_json::Value;

use crate::describe;
use crate::metrics::{self, Gpus, Held, Machine, Processors, ReadGpus};
use crate::proto;
use crate::repository::{Control, Repository};

/// What a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMetadata {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it offers beyond the core of the protocol.
    pub extensions: Vec<String>,
}

/// What a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelMetadata {
    /// Its name.
    pub name: String,
    /// The versions that are served, or the one that was asked for.
    pub versions: Vec<u64>,
    /// What runs it.
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorMetadata>,
    /// What it gives.
    pub outputs: Vec<TensorMetadata>,
}

/// A tensor of a model, its batch dimension included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// Its dimensions; -1 for what is open.
    pub shape: Vec<i64>,
}

/// Metrics of an engine that has no edges.
#[derive(Debug, Default)]
pub struct Metrics {
    processors: Processors,
    gpus: Option<Gpus>,
}

impl Metrics {
    /// Metrics that tell of graphics processors, too, as this source sees them every so often.
    pub fn with_gpus(source: Arc<dyn ReadGpus>, every: Duration) -> io::Result<Self> {
        Ok(Self {
            gpus: Some(Gpus::watch(source, every)?),
            ..Self::default()
        })
    }

    /// All metrics in Prometheus' text.
    pub fn text(&self, engine: &Engine) -> String {
        let machine = Machine {
            processors: Some(&self.processors),
            gpus: self.gpus.as_ref(),
        };
        metrics::render(engine, machine, Held::default())
    }
}

impl Repository {
    /// What clients are told that the server is.
    pub fn server_metadata(&self) -> ServerMetadata {
        let told = describe::server("nav", self.control() == Control::Explicit, false);
        ServerMetadata {
            name: told.name,
            version: told.version,
            extensions: told.extensions,
        }
    }

    /// What clients are told that a model is: this version of it, or the highest.
    pub fn metadata(&self, name: &str, version: Option<u64>) -> Result<ModelMetadata, InferError> {
        describe::metadata(self.engine(), name, version)
    }

    /// The configuration of a model, with the names and all of the members that clients are told.
    pub fn config(&self, name: &str, version: Option<u64>) -> Result<Value, InferError> {
        let model = self.engine().model(name, version)?;
        Ok(config(&model))
    }
}

fn config(model: &Model) -> Value {
    // What is written here is JSON.
    serde_json::from_str(&proto::json(&describe::config_of(model))).unwrap_or_default()
}
