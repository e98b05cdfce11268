//! From the file of a model to what an engine runs: by which runner, on which device, served how. The opener of every
//! model repository, of programs and of the command alike.
//!
//! Asks a [`FindModels`] for the runner: who may load what, and whether something is installed on the way, is decided
//! there.

mod find;
mod repository;

use std::path::Path;
use std::time::Duration;

use nav_engine::{ModelOptions, RunnerBackend};
use nav_package_format::Device;
use nav_package_format::package::Serving;
use nav_runners::RunnerHandle;
use nav_serve::{BackendFacts, ModelOpener, OpenError, Opened, Placement, Wanted};
use nav_worker::packaged::Prepared;

pub use find::{FileWish, FindModels};
pub(crate) use repository::repository;

/// The backends that configurations may name.
const BACKENDS: &[BackendFacts] = &[
    BackendFacts {
        name: "onnxruntime",
        platform: "onnxruntime_onnx",
        file: "model.onnx",
    },
    BackendFacts {
        name: PACKAGED,
        platform: "nav_package",
        file: "model.nav",
    },
];
const PACKAGED: &str = "nav";
/// The runner of models that must not be on an accelerator.
const ON_PROCESSOR: &str = "OnnxCPU";
/// The parameter of configurations that says how many threads a run uses.
const THREADS: &str = "intra_op_thread_count";

/// Opens models and packages for a repository.
#[derive(Debug)]
pub struct Opener<F> {
    models: F,
    instead: Instead,
}

/// How models are served instead of as their packages say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instead {
    /// How many threads run each model.
    pub instances: Option<usize>,
    /// The most rows of a batch; 0 for no batches.
    pub max_batch: Option<usize>,
    /// How long a request may wait for others to share its batch.
    pub queue_delay: Option<Duration>,
    /// Whether responses are kept for requests that are the same.
    pub cache: bool,
}

/// A model that can be loaded.
struct Found {
    handle: RunnerHandle,
    serving: Option<Serving>,
    why: String,
}

/// Whether this is a package, by its name.
pub fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == PACKAGED)
}

impl<F: FindModels> Opener<F> {
    /// Models that are found like this, served as they say.
    pub fn new(models: F) -> Self {
        Self {
            models,
            instead: Instead::default(),
        }
    }

    /// The same, served like this instead.
    #[must_use]
    pub const fn serving(mut self, instead: Instead) -> Self {
        self.instead = instead;
        self
    }

    /// A model file, on the best runner that is ready and where it is asked to be.
    fn file(&self, wanted: &Wanted<'_>) -> Result<Found, OpenError> {
        let wish = FileWish {
            path: wanted.path,
            runner: None,
            device: None,
            threads: threads(wanted)?,
        };
        let open = |wish: &FileWish<'_>| self.models.file(wish).map_err(OpenError);
        let mut handle = open(&wish)?;
        let mut why = "the best that is ready here";
        let elsewhere = match (wanted.placement, handle.options().device) {
            (Placement::Cpu, Device::Cuda(_)) => Some(FileWish {
                runner: Some(ON_PROCESSOR),
                ..wish
            }),
            (Placement::Gpu(number), Device::Cuda(other)) if number != other => Some(FileWish {
                device: Some(Device::Cuda(number)),
                ..wish
            }),
            _ => None,
        };
        if let Some(wish) = elsewhere {
            handle = open(&wish)?;
            why = "instance_group says so";
        }
        Ok(Found {
            handle,
            serving: None,
            why: why.to_owned(),
        })
    }

    fn package(&self, path: &Path) -> Result<Found, OpenError> {
        let prepared = self.models.package(path).map_err(OpenError)?;
        let Prepared {
            handle,
            serving,
            why,
            ..
        } = prepared;
        Ok(Found {
            handle,
            serving: Some(serving),
            why,
        })
    }

    /// What is to be instead, over what the package says, over one request at a time.
    fn options(&self, packed: Option<&Serving>) -> ModelOptions {
        let Instead {
            instances,
            max_batch,
            queue_delay,
            cache,
        } = self.instead;
        let mut options = packed.map(ModelOptions::from).unwrap_or_default();
        if let Some(most) = max_batch {
            options.max_batch = most;
            options.batching = (most > 0).then(|| options.batching.unwrap_or_default());
        }
        if let Some(policy) = &mut options.batching {
            policy
                .preferred_sizes
                .retain(|size| *size <= options.max_batch);
            policy.delay = queue_delay.unwrap_or(policy.delay);
        }
        options.instances = instances.unwrap_or(options.instances);
        options.cache = cache;
        options
    }
}

impl<F: FindModels> ModelOpener for Opener<F> {
    fn backends(&self) -> &[BackendFacts] {
        BACKENDS
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        let found = if wanted.backend == Some(PACKAGED) || is_package(wanted.path) {
            self.package(wanted.path)?
        } else {
            self.file(wanted)?
        };
        let loaded = found.handle.load().map_err(OpenError::new)?;
        let device = found.handle.options().device;
        let runner = found.handle.runner().name();
        let backend = wanted.backend.and_then(|backend| {
            let mut known = BACKENDS.iter();
            known.find(|facts| facts.name == backend)
        });
        let platform = backend.map_or(runner, |facts| facts.platform);
        let mut opened = Opened::new(RunnerBackend::new(loaded), platform);
        if let (Placement::Gpu(_), Device::Cpu) = (wanted.placement, device) {
            let text = format!("instance_group is not honoured: {runner} runs it on {device}");
            opened.unhonoured.push(text);
        }
        if wanted.options.decoupled {
            let text = "model_transaction_policy is not honoured: each request gets one response";
            opened.unhonoured.push(text.to_owned());
        }
        let is_instead = Instead {
            cache: false,
            ..self.instead
        } != Instead::default();
        opened.options = (wanted.backend.is_none() || found.serving.is_some() || is_instead)
            .then(|| self.options(found.serving.as_ref()));
        opened.device = device;
        opened.told = vec![
            ("runner", runner.to_owned()),
            ("device", device.to_string()),
            ("why", found.why),
        ];
        Ok(opened)
    }
}

/// How many threads a configuration wants for a run; 0 leaves it to the runtime.
fn threads(wanted: &Wanted<'_>) -> Result<Option<usize>, OpenError> {
    let Some(text) = wanted.parameters.get(THREADS) else {
        return Ok(None);
    };
    let count: usize = text.parse().map_err(|_| {
        OpenError::new(format!(
            "parameter {THREADS} is `{text}`, which is no number"
        ))
    })?;
    Ok(Some(count).filter(|count| *count > 0))
}

#[cfg(test)]
mod tests;
