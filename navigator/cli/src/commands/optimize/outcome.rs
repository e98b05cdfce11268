//! What an optimization came to: the package, the table, the choice, and what could not be tried here.

use std::path::{Path, PathBuf};
use std::time::Instant;

use nav_navigator::optimize::Optimized;
use nav_navigator::pack::pack;
use nav_navigator::plan::Unavailable;
use nav_navigator::report::{self, Subject};
use nav_package_format::Format;
use nav_package_format::archive::Limits;
use nav_package_format::package::manifest::Manifest;
use nav_package_format::package::{Package, Strategy};
use serde::Serialize;

use super::OptimizeArgs;
use super::timeline::Timeline;
use crate::exit::NoChoiceError;
use crate::printer::Printer;
use crate::render;

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Told<'a> {
    schema: u32,
    /// Where the package is, if there is one.
    package: Option<&'a Path>,
    /// All that it says of itself.
    #[serde(flatten)]
    manifest: &'a Manifest,
    /// What could not be tried on this host.
    not_tried: &'a [Unavailable],
    /// Where the time went.
    timeline: &'a Timeline,
}

/// Packs and tells. That nothing met the goals is told as an error, after all else.
pub(super) fn tell(
    args: &OptimizeArgs,
    optimized: Optimized,
    (output, started): (&Path, Instant),
    printer: Printer,
) -> anyhow::Result<()> {
    let is_kept = optimized.choice.is_some() || args.keep_best;
    // What is not kept is still looked at, for the table and the report.
    let packed = if is_kept {
        output.to_owned()
    } else {
        optimized.workspace.path().join("rejected.nav")
    };
    let bar = printer.bytes_bar();
    bar.set_message("packing");
    pack(&optimized, &packed, &mut |seen| bar.set_position(seen))?;
    bar.finish_and_clear();
    let timeline = Timeline::of(&optimized.phases, started.elapsed());
    let package = Package::open(&packed, &Limits::default())?;
    let goals: Vec<Box<dyn Strategy>> = optimized
        .plan
        .goals
        .iter()
        .map(|goal| goal.strategy())
        .collect();
    let strategies: Vec<&dyn Strategy> = goals.iter().map(AsRef::as_ref).collect();
    if let Some(path) = &args.report {
        let budget = args.strategy.strategies()?.budget();
        let html = report::html(&Subject::of(&package, &strategies, budget))?;
        report::write(path, &html)?;
        printer.note(&format!("the report is at {}", path.display()));
    }
    let mut not_tried = optimized.plan.unavailable.clone();
    let lacks_python = optimized.plan.format == Format::TorchScript
        && optimized.plan.python.is_none()
        && args.runner.is_empty();
    if lacks_python {
        let reason =
            "it reads no TorchScript, and no Python was named that exports the model to ONNX";
        not_tried.push(Unavailable {
            runner: "OnnxCPU".to_owned(),
            reason: reason.to_owned(),
            how_to_get_it: "--python python3, with PyTorch and ONNX installed".to_owned(),
        });
    }
    if args.json {
        Printer::json(&Told {
            schema: SCHEMA,
            package: is_kept.then_some(output),
            manifest: package.manifest(),
            not_tried: &not_tried,
            timeline: &timeline,
        })?;
    } else {
        Printer::data(&render::optimized(
            &package,
            optimized.choice.as_ref(),
            &not_tried,
        ))?;
    }
    if is_kept {
        let output = output.display();
        printer.note(&format!("the package is at {output}, after {timeline}"));
    }
    let refusals: Vec<String> = optimized
        .decisions
        .iter()
        .take(optimized.plan.goals.len())
        .filter_map(|decision| decision.refusal.clone())
        .collect();
    let has_choice = optimized.choice.is_some();
    remove_or_keep(optimized, packed.clone(), is_kept, printer)?;
    if has_choice {
        return Ok(());
    }
    let reasons = refusals.join("; ");
    Err(NoChoiceError { reasons }.into())
}

/// What failed can be done again as long as the folder is there.
fn remove_or_keep(
    optimized: Optimized,
    packed: PathBuf,
    is_kept: bool,
    printer: Printer,
) -> anyhow::Result<()> {
    if !optimized.has_failures() {
        return Ok(optimized.workspace.remove()?);
    }
    if !is_kept {
        std::fs::remove_file(packed)?;
    }
    let folder = optimized.workspace.path().display();
    printer.note(&format!("what failed can be replayed from {folder}"));
    Ok(())
}
