//! From the file of a model to what the engine runs: by which runner, on which device, served how.

use std::path::Path;

use anyhow::anyhow;
use nav_engine::{ModelOptions, RunnerBackend};
use nav_package_format::Device;
use nav_package_format::package::{Package, Runtime, Serving};
use nav_runners::RunnerHandle;
use nav_serve::{BackendFacts, ModelOpener, OpenError, Opened, Placement, Wanted};

use crate::commands::serving::model_options;
use crate::models::{self, Wish};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

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

/// Opens models and packages where `nav infer` does, and with the same rules of trust.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) strategy: StrategyArgs,
    pub(super) trust: TrustArgs,
    pub(super) settings: Settings,
    pub(super) printer: Printer,
    pub(super) isolate: bool,
    pub(super) typed: Typed,
}

/// What was typed about how models are served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed {
    pub(super) instances: Option<u16>,
    pub(super) max_batch: Option<usize>,
    pub(super) queue_delay: Option<u64>,
    pub(super) cache: bool,
}

/// A model that can be loaded.
struct Found {
    handle: RunnerHandle,
    serving: Option<Serving>,
    why: String,
}

impl ModelOpener for Opening {
    fn backends(&self) -> &[BackendFacts] {
        BACKENDS
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        let opened = self.open_wanted(wanted);
        // As it is, so that whoever ends for it ends with its exit code.
        opened.map_err(|error| OpenError(error.reallocate_into_boxed_dyn_error_without_backtrace()))
    }
}

impl Opening {
    fn open_wanted(&self, wanted: &Wanted<'_>) -> anyhow::Result<Opened> {
        let found = if is_package(wanted) {
            self.package(wanted.path)?
        } else {
            self.file(wanted)?
        };
        let loaded = found.handle.load()?;
        let device = found.handle.options().device;
        let runner = found.handle.runner().name();
        let platform = match wanted.backend {
            None => runner,
            Some(backend) => BACKENDS
                .iter()
                .find(|facts| facts.name == backend)
                .map_or(runner, |facts| facts.platform),
        };
        let mut opened = Opened::new(RunnerBackend::new(loaded), platform);
        if let (Placement::Gpu(_), Device::Cpu) = (wanted.placement, device) {
            let text = format!("instance_group is not honoured: {runner} runs it on {device}");
            opened.unhonoured.push(text);
        }
        if wanted.options.decoupled {
            let text = "model_transaction_policy is not honoured: each request gets one response";
            opened.unhonoured.push(text.to_owned());
        }
        opened.options = (wanted.backend.is_none() || found.serving.is_some() || self.is_typed())
            .then(|| self.options(found.serving.as_ref()));
        opened.told = vec![
            ("runner", runner.to_owned()),
            ("device", device.to_string()),
            ("why", found.why),
        ];
        Ok(opened)
    }

    fn wish<'a>(&'a self, runner: Option<&'a str>, settings: &'a [String]) -> Wish<'a> {
        Wish {
            strategy: &self.strategy,
            trust: &self.trust,
            runner,
            device: None,
            settings,
            isolate: self.isolate,
        }
    }

    /// A model file, on the best runner that is ready and where it is asked to be.
    fn file(&self, wanted: &Wanted<'_>) -> anyhow::Result<Found> {
        let threads = wanted.parameters.get(THREADS);
        let threads = threads.filter(|count| count.as_str() != "0");
        let settings: Vec<String> = threads
            .map(|count| format!("intra_threads={count}"))
            .into_iter()
            .collect();
        let open = |wish| models::open_file(wanted.path, wish, &self.settings, self.printer);
        let (mut handle, _) = open(self.wish(None, &settings))?;
        let mut why = "the best that is ready here";
        match (wanted.placement, handle.options().device) {
            (Placement::Cpu, Device::Cuda(_)) => {
                handle = open(self.wish(Some(ON_PROCESSOR), &settings))?.0;
                why = "instance_group says so";
            }
            (Placement::Gpu(number), Device::Cuda(other)) if number != other => {
                let wish = Wish {
                    device: Some(Device::Cuda(number)),
                    ..self.wish(None, &settings)
                };
                handle = open(wish)?.0;
                why = "instance_group says so";
            }
            _ => {}
        }
        Ok(Found {
            handle,
            serving: None,
            why: why.to_owned(),
        })
    }

    /// The variant of a package that it wants served, unless another was asked for.
    fn package(&self, path: &Path) -> anyhow::Result<Found> {
        let asked = self.strategy.is_given();
        let preferred = |package: &Package| {
            let serving = package.manifest().serving.as_ref().filter(|_| !asked)?;
            Some(runtime_of(serving))
        };
        let around = (&self.settings, self.printer);
        let opened = models::open_package(path, self.wish(None, &[]), &preferred, around)?;
        let serving = opened.package.manifest().serving.clone();
        let runtime = opened.runtime;
        let is_served = serving.as_ref().map(runtime_of).as_ref() == Some(&runtime);
        let threads = serving
            .as_ref()
            .filter(|_| is_served)
            .and_then(|it| it.threads);
        let handle = match threads {
            Some(threads) => opened.handle.with_intra_threads(threads),
            None => opened.handle,
        };
        let why = if is_served && !asked {
            format!("{runtime}, as the package says")
        } else {
            format!("{runtime}, chosen from what was measured")
        };
        Ok(Found {
            handle,
            serving,
            why,
        })
    }

    const fn is_typed(&self) -> bool {
        let typed = &self.typed;
        typed.instances.is_some() || typed.max_batch.is_some() || typed.queue_delay.is_some()
    }

    /// What was typed, over what the package says, over one request at a time.
    fn options(&self, packed: Option<&Serving>) -> ModelOptions {
        let typed = &self.typed;
        let packed = packed.cloned().unwrap_or(Serving {
            variant: String::new(),
            runner: String::new(),
            max_batch: None,
            preferred_batches: Vec::new(),
            queue_delay_us: 0,
            instances: 1,
            threads: None,
        });
        let max_batch = typed
            .max_batch
            .or(packed.max_batch)
            .filter(|most| *most > 0);
        let fits = |size: &usize| Some(*size) <= max_batch;
        let serving = Serving {
            max_batch,
            preferred_batches: packed.preferred_batches.into_iter().filter(fits).collect(),
            queue_delay_us: typed.queue_delay.unwrap_or(packed.queue_delay_us),
            instances: typed.instances.map_or(packed.instances, usize::from),
            ..packed
        };
        ModelOptions {
            cache: typed.cache,
            ..model_options(&serving)
        }
    }
}

fn is_package(wanted: &Wanted<'_>) -> bool {
    wanted.backend == Some(PACKAGED) || models::is_package(wanted.path)
}

fn runtime_of(serving: &Serving) -> Runtime {
    Runtime {
        variant: serving.variant.clone(),
        runner: serving.runner.clone(),
    }
}

/// Why a model could not be opened, as it was before it went through the server.
pub(super) fn cause(failure: nav_serve::LoadFailure) -> anyhow::Error {
    use nav_serve::{LoadFailure, VersionFailure};
    match failure {
        LoadFailure::Version { source, .. } => match source {
            VersionFailure::Open(OpenError(error)) => anyhow::Error::from_boxed(error),
            VersionFailure::Engine(error) => error.into(),
            other => anyhow!(other),
        },
        other => anyhow!(other),
    }
}
