//! Starting children and asking them things.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nav_package_format::{DType, Format};
use nav_runners::{
    LoadError, LoadOptions, Loaded, ModelFile, Outputs, RunError, Runner, Session, Tensor,
};
use nav_worker::{Isolated, WorkerCommand, WorkerOptions};

use crate::runners::{Fault, tensor};

/// Patience for what must go well, on however busy a machine; a lost child is started again at once.
pub(crate) const PATIENT: WorkerOptions = WorkerOptions {
    load_deadline: Duration::from_mins(1),
    run_deadline: Duration::from_mins(1),
    shutdown_grace: Duration::from_secs(20),
    first_backoff: Duration::ZERO,
    longest_backoff: Duration::ZERO,
    output_limit: 64 << 20,
};

/// The command that runs one of this executable's ignored tests.
pub(crate) fn command(test: &str) -> WorkerCommand {
    WorkerCommand::new(std::env::current_exe().unwrap())
        .with_argument(test)
        .with_argument("--exact")
        .with_argument("--ignored")
        .with_argument("--nocapture")
}

/// A test runner, in a child.
pub(crate) fn isolated(runner: &'static dyn Runner, options: WorkerOptions) -> Isolated {
    Isolated::new(runner, command("child_worker")).with_options(options)
}

/// A model of a test runner, in a child.
pub(crate) fn load(
    runner: &'static dyn Runner,
    path: impl AsRef<Path>,
    options: WorkerOptions,
) -> Result<Arc<dyn Loaded>, LoadError> {
    load_with(&isolated(runner, options), path)
}

/// A model of this runner.
pub(crate) fn load_with(
    runner: &dyn Runner,
    path: impl AsRef<Path>,
) -> Result<Arc<dyn Loaded>, LoadError> {
    let path = path.as_ref().to_owned();
    let format = Format::Onnx;
    runner.load(&ModelFile { path, format }, &LoadOptions::default())
}

/// A session of its own for the caller.
pub(crate) fn session(model: &Arc<dyn Loaded>) -> Box<dyn Session> {
    Arc::clone(model).session().unwrap()
}

/// Stages these tensors and runs.
pub(crate) fn run(session: &mut dyn Session, inputs: &[Tensor]) -> Result<Outputs, RunError> {
    let descs: Vec<_> = inputs.iter().map(|input| input.desc.clone()).collect();
    for (target, input) in session.stage(&descs)?.into_iter().zip(inputs) {
        target.copy_from_slice(&input.bytes);
    }
    session.run()
}

/// Asks the faulty runner for a number.
pub(crate) fn ask(session: &mut dyn Session, number: i64) -> Result<i64, RunError> {
    let x = tensor(0, DType::Int64, &[], number.to_le_bytes().into());
    let outputs = run(session, &[x])?;
    Ok(i64::from_le_bytes(outputs[0].bytes[..].try_into().unwrap()))
}

/// Asks the faulty runner to do something.
pub(crate) fn ask_for(session: &mut dyn Session, fault: Fault) -> Result<i64, RunError> {
    ask(session, fault as i64)
}

/// Why the process was lost that a run needed.
pub(crate) fn cause_of<T: std::fmt::Debug>(outcome: Result<T, RunError>) -> String {
    match outcome {
        Err(RunError::WorkerLost { cause, .. }) => cause,
        other => panic!("expected a lost worker and got {other:?}"),
    }
}
