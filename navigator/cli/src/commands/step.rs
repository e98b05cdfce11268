//! `nav __step`: one step of an optimization, in this process. What a failed step is replayed with.

use std::path::PathBuf;

use clap::Args;
use nav_navigator::step;
use nav_worker::WorkerCommand;

use crate::printer::Printer;

/// The arguments of `nav __step`.
#[derive(Args, Debug)]
pub(crate) struct StepArgs {
    /// The step file.
    file: PathBuf,
    /// Do what a parent process asks for over standard input.
    #[arg(long)]
    driven: bool,
}

/// Obeys, or does the whole step and tells.
pub(crate) fn run(args: &StepArgs) -> anyhow::Result<()> {
    if args.driven {
        step::serve(&args.file)?;
        return Ok(());
    }
    let replayed = step::replay(&args.file)?;
    Printer::json(&replayed)?;
    anyhow::ensure!(replayed.is_ok, "the step failed");
    Ok(())
}

/// This very program, as a step.
pub(crate) fn command() -> anyhow::Result<WorkerCommand> {
    let worker = super::worker::command()?;
    Ok(WorkerCommand::new(worker.program).with_argument("__step"))
}
