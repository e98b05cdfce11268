//! How a model file becomes something that the engine runs: asked of whoever knows runners, since nothing here does.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use nav_engine::{Backend, ModelOptions};
use nav_package_format::{Device, Digest, Signature};

use super::config::Placement;

/// Opens models.
pub trait ModelOpener: fmt::Debug + Send + Sync {
    /// The backends that it opens models for. The first one whose file a version's folder holds is that of a model
    /// that names none.
    fn backends(&self) -> &[BackendFacts];

    /// Opens a model; may take its time. Called for several models at once.
    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError>;
}

/// A backend, as configurations name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendFacts {
    /// The name that configurations have in `backend`.
    pub name: &'static str,
    /// The name that they have in `platform` instead, if there is one.
    pub platform: &'static str,
    /// The file of a version's folder that holds the model, unless a configuration names another. Empty where there
    /// is no file.
    pub file: &'static str,
}

/// A model that is to be opened.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The model's name.
    pub name: &'a str,
    /// Its version.
    pub version: u64,
    /// The backend that its configuration names, one of [`ModelOpener::backends`]; `None` for a file that stands
    /// for itself.
    pub backend: Option<&'a str>,
    /// The file. The folder of the version for a backend without one.
    pub path: &'a Path,
    /// The tensors that the configuration declares, if it does.
    pub signature: Option<&'a Signature>,
    /// How it is to be served, where the configuration says so.
    pub options: &'a ModelOptions,
    /// Where it is to run.
    pub placement: Placement,
    /// The parameters of its configuration.
    pub parameters: &'a BTreeMap<String, String>,
}

/// A model that was opened.
#[derive(Debug)]
pub struct Opened {
    /// What runs it.
    pub backend: Arc<dyn Backend>,
    /// What clients are told that runs it.
    pub platform: String,
    /// Where it runs.
    pub device: Device,
    /// What tells it from every other model.
    pub digest: Option<Digest>,
    /// How it is to be served where no configuration says so.
    pub options: Option<ModelOptions>,
    /// Whatever else there is to say of it: to those who run the server, and to clients with its parameters.
    pub told: Vec<(&'static str, String)>,
    /// What is done otherwise than it was wanted.
    pub unhonoured: Vec<String>,
}

/// Why a model cannot be opened, in words for those who asked for it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OpenError(pub Box<dyn Error + Send + Sync>);

impl Opened {
    /// This model on the host's processor, of which there is nothing else to say.
    pub fn new(backend: Arc<dyn Backend>, platform: impl Into<String>) -> Self {
        Self {
            backend,
            platform: platform.into(),
            device: Device::Cpu,
            digest: None,
            options: None,
            told: Vec::new(),
            unhonoured: Vec::new(),
        }
    }
}

impl OpenError {
    /// For this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}
