//! The host as programs use it to run models: where libraries and models are, who is trusted, and how a model file gets
//! a runner. Knows no server.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nav_package_format::cache::Cache;
use nav_package_format::file::{self, FileError};
use nav_package_format::onnx::{self, ModelFileError};
use nav_package_format::trust::{PolicyError, Refusal, TrustPolicy};
use nav_package_format::{Device, Format, RunnerSettings};
use nav_runners::{Libraries, LoadOptions, ModelFile, Probe, Runner, RunnerHandle, VendorRuntime};
use nav_worker::packaged::{self, Gate, GateError, Home, HomeError, Prepared, prepare};
use nav_worker::{NoneReady, WorkerCommand, all_runners, first_ready};

use crate::environment;
use crate::opening::{FileWish, FindModels};
use crate::package::Package;

/// What a program runs models with. Clones share what is extracted.
#[derive(Clone, Debug)]
pub struct Host {
    home: Home,
    libraries: Libraries,
    policy: TrustPolicy,
    worker: Option<WorkerCommand>,
    models: Arc<Mutex<Option<Arc<Cache>>>>,
}

/// Why a host cannot be used, or a model file not be run on it.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Nobody says where things are kept.
    #[error("there is no folder to keep things in: set NAV_CACHE_FOLDER, or HOME")]
    NoHome,
    /// The folder in which things are kept cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The file that says who is trusted cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A model cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model is no acceptable ONNX file.
    #[error("{path} is no model that can be run", path = .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ModelFileError,
    },
    /// It cannot be told whether a model may be loaded.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// A model may not be loaded.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such runner.
    #[error("there is no runner `{name}`")]
    NoRunner {
        /// The name as given.
        name: String,
    },
    /// The runner that was asked for does not work here.
    #[error("runner {runner} does not work here: {reason} ({how_to_get_it})")]
    NotReady {
        /// Which one.
        runner: &'static str,
        /// Why not.
        reason: String,
        /// What mends it.
        how_to_get_it: String,
    },
    /// No runner that could be taken works here.
    #[error(transparent)]
    NoneReady(#[from] NoneReady),
}

impl Host {
    /// This host, as the environment of the process and `nav` have set it up: libraries are those that
    /// `nav runtime install` put in place, and models are trusted as `NAV_TRUST_POLICY` says.
    pub fn from_environment() -> Result<Self, HostError> {
        let home = environment::home()?.ok_or(HostError::NoHome)?;
        let policy = environment::trust_policy();
        let policy = policy.as_deref().map(TrustPolicy::read).transpose()?;
        Ok(Self::at(home).trusting(policy.unwrap_or_default()))
    }

    /// This host with everything below one folder, and the policy that holds where nobody says otherwise. Reads no
    /// environment.
    pub fn at(home: Home) -> Self {
        Self {
            libraries: home.libraries(),
            policy: TrustPolicy::default(),
            worker: None,
            models: Arc::default(),
            home,
        }
    }

    /// The same, trusting whom this policy says.
    #[must_use]
    pub fn trusting(mut self, policy: TrustPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same with a library of the user's, or a folder that holds it. The path must be absolute.
    #[must_use]
    pub fn with_library(mut self, runtime: VendorRuntime, path: impl Into<PathBuf>) -> Self {
        self.libraries.configured.insert(runtime, path.into());
        self
    }

    /// The same with the executable of a runner that lives in a process of its own.
    #[must_use]
    pub fn with_worker(mut self, executable: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let workers = &mut self.libraries.worker_executables;
        workers.insert(executable.into(), path.into());
        self
    }

    /// The same, running each model in a process of its own that this command starts.
    #[must_use]
    pub fn isolated(mut self, command: WorkerCommand) -> Self {
        self.worker = Some(command);
        self
    }

    /// The folder in which everything is kept.
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// Whom it trusts.
    pub const fn policy(&self) -> &TrustPolicy {
        &self.policy
    }

    /// What variants of packages need of it.
    pub(crate) fn packaged(&self) -> Result<packaged::Host, HostError> {
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = match &*models {
            Some(cache) => Arc::clone(cache),
            None => Arc::clone(models.insert(Arc::new(self.home.models()?))),
        };
        Ok(packaged::Host {
            cache,
            libraries: self.libraries.clone(),
            worker: self.worker.clone(),
        })
    }

    /// A runner for an ONNX file, not activated yet: the best that works here, unless one is asked for.
    fn runner(&self, wish: &FileWish<'_>) -> Result<RunnerHandle, HostError> {
        let (open, _) = file::open(wish.path)?;
        let built_here = self.home.built_here();
        let gate = Gate::of(&self.policy, (wish.path, &open), Some(&built_here))?;
        let facts = onnx::verify_open(&open, wish.path);
        let facts = facts.map_err(|source| HostError::Model {
            path: wish.path.to_owned(),
            source,
        })?;
        gate.admit(facts.trust, &[])?;
        let host = self.packaged()?;
        let probe = |runner: &'static dyn Runner| host.hosted(runner).probe(&self.libraries);
        let (runner, device) = if let Some(name) = wish.runner {
            named(name, probe)?
        } else {
            first_ready(Format::Onnx, |runner| Ok::<_, HostError>(probe(runner)))??
        };
        let options = LoadOptions {
            device: wish.device.unwrap_or(device),
            settings: RunnerSettings {
                intra_threads: wish.threads,
                ..RunnerSettings::default()
            },
            libraries: self.libraries.clone(),
            ..LoadOptions::default()
        };
        let model = ModelFile {
            path: wish.path.to_owned(),
            format: Format::Onnx,
        };
        Ok(RunnerHandle::new(host.hosted(runner), model, options))
    }
}

/// The runner of this name and the first device that it works on.
fn named(
    name: &str,
    probe: impl Fn(&'static dyn Runner) -> Probe,
) -> Result<(&'static dyn Runner, Device), HostError> {
    let runner = all_runners()
        .find(|runner| runner.name() == name)
        .ok_or_else(|| HostError::NoRunner {
            name: name.to_owned(),
        })?;
    match probe(runner) {
        Probe::Ready { devices, .. } => Ok((runner, devices.first().copied().unwrap_or_default())),
        Probe::Missing {
            reason,
            how_to_get_it,
        } => Err(HostError::NotReady {
            runner: runner.name(),
            reason,
            how_to_get_it,
        }),
    }
}

impl FindModels for Host {
    fn file(&self, wish: &FileWish<'_>) -> Result<RunnerHandle, Box<dyn Error + Send + Sync>> {
        Ok(self.runner(wish)?)
    }

    fn package(&self, path: &Path) -> Result<Prepared, Box<dyn Error + Send + Sync>> {
        let package = Package::open_on(path, self)?;
        Ok(prepare(package.vetted(), None, &self.packaged()?)?)
    }
}
