//! `nav infer`: a model run once, on one runner, with given or generated inputs.

mod inputs;

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use nav_adapter::opening::is_package;
use nav_navigator::inspect::{self, Facts};
use nav_navigator::whole_file::write_whole;
use nav_package_format::numpy::write_npz;
use nav_package_format::{Device, Format, TensorView};
use nav_runners::{NamedOutputs, RunnerHandle};

use crate::models::{self, Wish};
use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// Integer input to the first value that is too large.
type IndexBounds = BTreeMap<String, u64>;

/// The arguments of `nav infer`.
#[derive(Args, Debug)]
pub(crate) struct InferArgs {
    /// The model, or a package.
    model: PathBuf,
    /// The runner; `nav doctor` names them. The best that is ready, if left out; for a package, the strategy
    /// decides.
    #[arg(long)]
    runner: Option<String>,
    /// An input: its name and an `.npy` file, or an `.npz` file with several. What is not given is
    /// generated.
    #[arg(long, value_name = "NAME=FILE.npy|FILE.npz")]
    input: Vec<String>,
    /// The extent of a symbolic dimension, for generated inputs.
    #[arg(long, value_name = "NAME=EXTENT")]
    dim: Vec<String>,
    /// Where generated inputs start from; the same seed gives the same inputs.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the outputs to this `.npz` file instead of printing them.
    #[arg(long, short, value_name = "FILE.npz")]
    output: Option<PathBuf>,
    /// Print the outputs as JSON.
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Run the model in a process of its own.
    #[arg(long)]
    isolate: bool,
    /// Where to run: `cpu`, or `cuda:NUMBER`. The runner's first device, if left out.
    #[arg(long)]
    device: Option<Device>,
    /// A setting of the runner, as `intra_threads=2`.
    #[arg(long, value_name = "NAME=VALUE")]
    setting: Vec<String>,
    #[command(flatten)]
    strategy: StrategyArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Inspects, loads, runs, tells.
pub(crate) fn run(args: &InferArgs, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let (mut handle, bounds) = prepare(args, settings, printer)?;
    let name = handle.runner().name().to_owned();
    let device = handle.options().device;
    let loading = Instant::now();
    handle.activate()?;
    let loaded_in = loading.elapsed();
    let signature = handle.signature().cloned().unwrap_or_default();
    let generation = inputs::Generation {
        dims: &args.dim,
        seed: args.seed,
    };
    let tensors = inputs::gather(&args.input, &signature, &bounds, generation)?;
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.view()))
        .collect();
    let running = Instant::now();
    let outputs = handle.infer(&views)?;
    let ran_in = running.elapsed();
    let isolated = if args.isolate { ", isolated" } else { "" };
    let (load, run) = (render::duration(loaded_in), render::duration(ran_in));
    printer.note(&format!(
        "{name} on {device}{isolated}: loaded in {load}, ran in {run}"
    ));
    show(args, &outputs)
}

/// What runs the model, and where generated inputs must stay below.
fn prepare(
    args: &InferArgs,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<(RunnerHandle, IndexBounds)> {
    let wish = Wish {
        strategy: &args.strategy,
        trust: &args.trust,
        runner: args.runner.as_deref(),
        device: args.device,
        settings: &args.setting,
        isolate: args.isolate,
    };
    if !is_package(&args.model) {
        let (handle, facts) = models::open_file(&args.model, wish, settings, printer)?;
        return Ok((handle, index_bounds(facts)));
    }
    let opened = models::open_package(&args.model, wish, (settings, printer))?;
    printer.note(&format!("running {}", opened.runtime));
    let model = opened.handle.model();
    // Of other formats nothing of the kind is known, and not all of them can be looked into.
    let bounds = match model.format {
        Format::Onnx => index_bounds(inspect::facts(&model.path)?),
        Format::TorchScript | Format::TensorRt => IndexBounds::new(),
    };
    Ok((opened.handle, bounds))
}

fn index_bounds(facts: Facts) -> IndexBounds {
    match facts {
        Facts::Onnx(facts) => facts.index_bounds,
        Facts::TorchScript(_) => IndexBounds::new(),
    }
}

fn show(args: &InferArgs, outputs: &NamedOutputs<'_>) -> anyhow::Result<()> {
    if let Some(path) = &args.output {
        return save(path, outputs).with_context(|| format!("cannot write {}", path.display()));
    }
    let tensors = outputs.views()?;
    if args.json {
        Printer::json(&render::tensors_json(&tensors))?;
    } else {
        Printer::data(&render::tensors(&tensors))?;
    }
    Ok(())
}

/// All of it or nothing.
fn save(path: &Path, outputs: &NamedOutputs<'_>) -> anyhow::Result<()> {
    write_whole(path, |file| {
        let writer = write_npz(BufWriter::new(file), outputs.views()?)?;
        let file = writer.into_inner();
        let file = file.map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(())
    })
}
