//! Any runner, in a process of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_package_format::Format;
use nav_runners::{Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, Runner};

use super::model::IsolatedModel;
use super::options::{WorkerCommand, WorkerOptions};
use super::worker::{Failure, Worker};
use crate::control::{LoadRequest, ProbeRequest};

/// How long a child may take to say whether a runner works. A driver that hangs is no reason to wait.
const PROBE_DEADLINE: Duration = Duration::from_secs(20);

/// A runner whose every model is loaded in a process of its own: one for each loaded model.
#[derive(Clone, Debug)]
pub struct Isolated {
    runner: &'static dyn Runner,
    command: WorkerCommand,
    options: WorkerOptions,
}

impl Isolated {
    /// This runner, in children started by this command, which must know a runner of the same name.
    pub fn new(runner: &'static dyn Runner, command: WorkerCommand) -> Self {
        Self {
            runner,
            command,
            options: WorkerOptions::default(),
        }
    }

    /// The same with other limits.
    #[must_use]
    pub const fn with_options(mut self, options: WorkerOptions) -> Self {
        self.options = options;
        self
    }
}

impl Runner for Isolated {
    fn name(&self) -> &'static str {
        self.runner.name()
    }

    fn formats(&self) -> &'static [Format] {
        self.runner.formats()
    }

    /// Tries in a child: what does not work on a host may well end the process that tries it.
    fn probe(&self, libraries: &Libraries) -> Probe {
        let probed = probe(&self.command, self.options, self.name(), libraries);
        probed.unwrap_or_else(|cause| Probe::Missing {
            reason: format!("its worker process was lost: {cause}"),
            how_to_get_it: "run it in this process to see what is wrong".to_owned(),
        })
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let request = LoadRequest {
            runner: self.name().to_owned(),
            model: model.clone(),
            options: options.clone(),
        };
        load(self.command.clone(), self.options, request)
    }
}

/// The runner itself, or the same in a process that this command starts.
pub fn hosted(runner: &'static dyn Runner, worker: Option<&WorkerCommand>) -> Box<dyn Runner> {
    match worker {
        Some(command) => Box::new(Isolated::new(runner, command.clone())),
        None => Box::new(runner),
    }
}

/// Loads a model in a new child.
pub(crate) fn load(
    command: WorkerCommand,
    options: WorkerOptions,
    request: LoadRequest,
) -> Result<Arc<dyn Loaded>, LoadError> {
    Ok(Arc::new(IsolatedModel::load(command, options, request)?))
}

/// Asks a new child whether a runner works; the cause, when there is no answer.
pub(crate) fn probe(
    command: &WorkerCommand,
    options: WorkerOptions,
    runner: &str,
    libraries: &Libraries,
) -> Result<Probe, String> {
    let patience = PROBE_DEADLINE.min(options.load_deadline);
    let options = WorkerOptions {
        load_deadline: patience,
        ..options
    };
    let now = Instant::now();
    let deadline = now.checked_add(patience).unwrap_or(now);
    let request = ProbeRequest {
        runner: runner.to_owned(),
        libraries: libraries.clone(),
    };
    Worker::start(command, options, deadline)
        .and_then(|worker| worker.probe(&request, deadline))
        .map_err(|failure| match failure {
            Failure::Refused(error) => error.to_string(),
            Failure::Lost(cause) | Failure::Down(cause, _) => cause,
        })
}
