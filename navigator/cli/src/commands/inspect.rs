//! `nav inspect`: what is inside a model, told without loading it into a runtime.

use std::path::PathBuf;

use clap::Args;
use nav_navigator::inspect::inspect;

use crate::printer::Printer;
use crate::render;

/// The arguments of `nav inspect`.
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The model: ONNX or TorchScript.
    model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Looks and tells.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let inspection = inspect(&args.model)?;
    if args.json {
        Printer::json(&inspection)?;
    } else {
        Printer::data(&render::inspection(&inspection))?;
    }
    Ok(())
}
