//! What can go wrong between a runner and its caller. Plain data, so that it can cross a process.

use std::path::PathBuf;
use std::time::Duration;

use nav_package_format::{DType, Device, Format, Shape};
use serde::{Deserialize, Serialize};

use crate::input::InputError;

/// An error with all its causes, for those who only get a text.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Why a model could not be loaded. Another host, runner or setting may succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LoadError {
    /// The runner cannot work on this host at all.
    #[error("runner {runner} is not available: {reason}")]
    Unavailable {
        /// Which runner.
        runner: String,
        /// What is missing or broken.
        reason: String,
        /// The command or setting that mends it.
        how_to_get_it: String,
    },
    /// The runner does not read this kind of file.
    #[error("runner {runner} does not read {format} models")]
    Format {
        /// Which runner.
        runner: String,
        /// What it was given.
        format: Format,
    },
    /// The runner does not run on this device.
    #[error("runner {runner} does not run on {device}")]
    Device {
        /// Which runner.
        runner: String,
        /// Where it was asked to run.
        device: Device,
    },
    /// A tensor of the model has an element type that the runner cannot handle.
    #[error("runner {runner} cannot handle {dtype} (of `{tensor}`)")]
    DType {
        /// Which runner.
        runner: String,
        /// The input or output in question.
        tensor: String,
        /// Its element type.
        dtype: String,
    },
    /// A setting that the runner cannot honour.
    #[error("runner {runner} cannot honour setting {setting}: {reason}")]
    Setting {
        /// Which runner.
        runner: String,
        /// The setting, by the name it has in `RunnerSettings`.
        setting: String,
        /// Why not.
        reason: String,
    },
    /// An accelerator's provider could not be set up; the model would have run elsewhere.
    #[error("runner {runner} could not set up {provider}: {reason}")]
    Provider {
        /// Which runner.
        runner: String,
        /// Which provider.
        provider: String,
        /// The runtime's reason.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read model {path}: {reason}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is malformed or hostile; no runtime was given it.
    #[error("model {path} is not acceptable: {reason}", path = .path.display())]
    Unacceptable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is to be loaded was built for a machine that this is not.
    #[error("runner {runner} cannot load this: {reason}")]
    BuiltElsewhere {
        /// Which runner.
        runner: String,
        /// What it was built for, and what is here.
        reason: String,
    },
    /// The runtime refused the model.
    #[error("runner {runner} refused model {path}: {reason}", path = .path.display())]
    Model {
        /// Which runner.
        runner: String,
        /// The file.
        path: PathBuf,
        /// The runtime's reason.
        reason: String,
    },
    /// The process that should hold the model is gone.
    #[error("the worker process of runner {runner} was lost: {cause}")]
    WorkerLost {
        /// Which runner.
        runner: String,
        /// Its true end: exit status, signal, deadline or protocol fault.
        cause: String,
    },
}

/// Why a loaded model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RunError {
    /// The caller's inputs do not fit the model.
    #[error(transparent)]
    Input(#[from] InputError),
    /// An element type that the runner cannot handle.
    #[error("runner {runner} cannot handle {dtype} (of `{tensor}`)")]
    DType {
        /// Which runner.
        runner: String,
        /// The input or output in question.
        tensor: String,
        /// Its element type.
        dtype: DType,
    },
    /// Memory for a tensor could not be had.
    #[error("cannot allocate {bytes} bytes for `{tensor}` of shape {shape}")]
    OutOfMemory {
        /// The input or output in question.
        tensor: String,
        /// Its shape.
        shape: Shape,
        /// How much was asked for.
        bytes: usize,
    },
    /// `run` without a successful `stage` before it.
    #[error("run was called before inputs were staged")]
    NotStaged,
    /// The runtime failed.
    #[error("runner {runner} failed: {reason}")]
    Runtime {
        /// Which runner.
        runner: String,
        /// The runtime's reason.
        reason: String,
    },
    /// The process that held the model is gone.
    #[error("the worker process of runner {runner} was lost: {cause}")]
    WorkerLost {
        /// Which runner.
        runner: String,
        /// Its true end: exit status, signal, deadline or protocol fault.
        cause: String,
    },
    /// The process that held the model was lost at an earlier run, and this one never began.
    #[error(
        "the worker process of runner {runner} was lost: {cause}; it is not started again for another {} ms",
        retry_after.as_millis()
    )]
    WorkerDown {
        /// Which runner.
        runner: String,
        /// The true end of the process.
        cause: String,
        /// When it is started again.
        retry_after: Duration,
    },
}
