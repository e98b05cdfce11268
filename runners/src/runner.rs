//! The three levels of a runner: what it is, a model it has loaded, a thread's use of that model.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use nav_package_format::onnx::{self, ModelFacts};
use nav_package_format::torchscript::{self, ArchiveFacts, ArchiveLimits};
use nav_package_format::{Device, Format, RunnerSettings, Signature, file};
use serde::{Deserialize, Serialize};

use crate::error::{LoadError, RunError, with_causes};
use crate::library::{Libraries, VendorRuntime};
use crate::tensor::{Outputs, Staged, TensorDesc};

/// A way to run models, as listed in [`crate::RUNNERS`].
pub trait Runner: Debug + Sync {
    /// The name users know.
    fn name(&self) -> &'static str;

    /// The kinds of model file it reads.
    fn formats(&self) -> &'static [Format];

    /// The vendor libraries it needs, where `nav` can install them.
    fn vendor_runtime(&self) -> Option<VendorRuntime> {
        None
    }

    /// Whether it works on this host, found by trying and not by guessing.
    fn probe(&self, libraries: &Libraries) -> Probe;

    /// Loads a model, once for as many sessions as are wanted.
    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError>;
}

impl<R: Runner + ?Sized> Runner for &R {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn formats(&self) -> &'static [Format] {
        (**self).formats()
    }

    fn vendor_runtime(&self) -> Option<VendorRuntime> {
        (**self).vendor_runtime()
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        (**self).probe(libraries)
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        (**self).load(model, options)
    }
}

/// A model in memory: the weights, once for each device.
pub trait Loaded: Debug + Send + Sync {
    /// What the model takes and gives, in the order of its graph.
    fn signature(&self) -> &Signature;

    /// A session for the calling thread.
    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError>;
}

/// One thread's scratch memory and streams. Not `Send`: a device context may be bound to the thread.
pub trait Session: Debug {
    /// Lends the memory that [`Session::run`] will read, one slice for each described input, so that
    /// the caller's one copy is the only one. Descriptions come in the order of the signature.
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError>;

    /// Runs on what was staged. May be called again for the same inputs.
    fn run(&mut self) -> Result<Outputs, RunError>;
}

/// What a runner found on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Probe {
    /// It works.
    Ready {
        /// The version of the runtime.
        version: String,
        /// The library it was opened from; none when it is part of this program.
        library: Option<PathBuf>,
        /// Where it can run models.
        devices: Vec<Device>,
    },
    /// It does not work here.
    Missing {
        /// Why.
        reason: String,
        /// The command or setting that mends it.
        how_to_get_it: String,
    },
}

impl Probe {
    /// Whether the runner works here.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }
}

/// A model file and what kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub format: Format,
}

/// How to load a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Where it shall run.
    pub device: Device,
    /// The runner's knobs.
    pub settings: RunnerSettings,
    /// Where vendor libraries are.
    pub libraries: Libraries,
    /// What is known of a model whose file does not say what it takes and gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declaration>,
    /// Where an engine is saved that the runner builds of the model, so that it can be loaded in place of it. Never part of settings,
    /// which travel in packages: opening one writes no files of its choosing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_to: Option<PathBuf>,
}

/// What somebody who knows says of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// What it takes, and what it gives. Where no output is declared, the runner finds them by running the model once.
    pub signature: Signature,
    /// The extents of symbolic dimensions in that run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extents: BTreeMap<String, usize>,
}

impl ModelFile {
    /// Facts of an ONNX file that may be handed to this runner: of a kind that it reads, well-formed, and
    /// reaching for nothing outside its own folder.
    pub fn admit_onnx(&self, runner: &dyn Runner) -> Result<ModelFacts, LoadError> {
        if self.format != Format::Onnx || !runner.formats().contains(&self.format) {
            let runner = runner.name().to_owned();
            return Err(LoadError::Format {
                runner,
                format: self.format,
            });
        }
        onnx::verify(&self.path).map_err(|error| self.refusal(&error, error.is_integrity()))
    }

    /// Facts of a TorchScript archive that may be handed to this runner: of a kind that it reads, and well-formed. Loading
    /// it runs its code all the same.
    pub fn admit_torch_script(&self, runner: &dyn Runner) -> Result<ArchiveFacts, LoadError> {
        if self.format != Format::TorchScript || !runner.formats().contains(&self.format) {
            return Err(LoadError::Format {
                runner: runner.name().to_owned(),
                format: self.format,
            });
        }
        let path = self.path.clone();
        let (mut open, _) = file::open(&self.path).map_err(|error| LoadError::Unreadable {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        torchscript::inspect(&mut open, &ArchiveLimits::default()).map_err(|error| {
            let reason = error.to_string();
            if error.is_integrity() {
                LoadError::Unacceptable { path, reason }
            } else {
                LoadError::Unreadable { path, reason }
            }
        })
    }

    /// Why it cannot be loaded: it is not what it should be, or it cannot be read.
    pub fn refusal(&self, error: &dyn std::error::Error, is_integrity: bool) -> LoadError {
        let path = self.path.clone();
        let reason = with_causes(error);
        if is_integrity {
            LoadError::Unacceptable { path, reason }
        } else {
            LoadError::Unreadable { path, reason }
        }
    }
}
