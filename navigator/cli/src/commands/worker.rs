//! `nav __worker`: the child side of an isolated runner, and how to start one.

use anyhow::Context;
use nav_worker::WorkerCommand;

/// Serves until the parent goes away.
pub(crate) fn run() -> anyhow::Result<()> {
    nav_worker::child::run(nav_runners::RUNNERS)?;
    Ok(())
}

/// This very program, as a worker.
pub(crate) fn command() -> anyhow::Result<WorkerCommand> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    Ok(WorkerCommand::new(program).with_argument("__worker"))
}
