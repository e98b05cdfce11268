//! `nav optimize`: from a model to proven and measured ways to run it, in a package.

mod admission;
mod outcome;
mod packaged;
mod progress;
mod timeline;
mod traced;
mod wanted;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use nav_navigator::declare::{Trial, declare};
use nav_navigator::host::Host;
use nav_navigator::optimize::{MAX_BATCH, Means, ModelSource, Settings as Wanted, optimize, plan};
use nav_navigator::plan::HostFacts;
use nav_navigator::probe::probe_runners;
use nav_package_format::Format;
use nav_worker::packaged::Home;

use self::progress::Progress;
use super::serving::InOtherProcesses;
use super::{runtime, step, worker};
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// The arguments of `nav optimize`.
#[derive(Args, Debug)]
pub(crate) struct OptimizeArgs {
    /// The model, or a package whose model is to be optimized for this host.
    model: PathBuf,
    /// Where the package goes; beside the model, if left out.
    #[arg(long, short, value_name = "FILE.nav")]
    output: Option<PathBuf>,
    /// A runner to try; all that are ready, if left out.
    #[arg(long)]
    runner: Vec<String>,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// The largest batch to try.
    #[arg(long, default_value_t = MAX_BATCH)]
    max_batch: usize,
    /// Exactly these batches.
    #[arg(long, value_delimiter = ',')]
    batch_sizes: Vec<usize>,
    /// Threads for each instance to try.
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Numbers of instances to try.
    #[arg(long, value_delimiter = ',')]
    instances: Vec<usize>,
    /// How far outputs may be from the untouched model's, absolute and relative, for all outputs, those of a type,
    /// or one by its name. The first that fits counts.
    #[arg(long, value_name = "[OUTPUT|TYPE=]ABSOLUTE[,RELATIVE]")]
    tolerance: Vec<String>,
    /// An input of a model whose file does not say what it takes: its name, the type of its elements, and its extents, of
    /// which open ones have names, as `x:f32:batch,3,224,224`. Told by the samples, if left out.
    #[arg(long, value_name = "NAME:TYPE:EXTENTS")]
    input: Vec<String>,
    /// The extent, or the range of extents, of a symbolic dimension: `sequence=16..128`.
    #[arg(long, value_name = "NAME=RANGE")]
    dim: Vec<String>,
    /// Samples: an `.npz` or `.npy` file, or a folder of them. Generated, if left out.
    #[arg(long, value_name = "FILE|FOLDER")]
    data: Option<PathBuf>,
    /// Where generated samples start from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How long the whole may take.
    #[arg(long, default_value = "90s", value_name = "TIME")]
    time_budget: String,
    /// How long a step may take before it counts as hanging; a third of the time budget, if left out.
    #[arg(long, value_name = "TIME")]
    step_limit: Option<String>,
    /// The most memory that a step may hold, in MiB.
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// The Python whose `PyTorch` exports a TorchScript model to ONNX, so that ONNX's runners are tried too, and loads what
    /// only Python can: an exported program (`.pt2`), or a script with a function `load` or a variable `model` (`.py`).
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// A file or folder that this Python may read, besides its own and the model's file. It writes to a folder of its own alone,
    /// has no network, and sees no other file.
    #[arg(long, value_name = "PATH", requires = "python")]
    python_reads: Vec<PathBuf>,
    /// Let this Python do whatever you may do, and so whatever the model wants: where the kernel cannot confine it, or for models that
    /// need a GPU to be loaded.
    #[arg(long, requires = "python", conflicts_with = "python_reads")]
    unconfined_python: bool,
    /// The folder to work in, which is kept. A run that was killed is taken up again where it stopped.
    #[arg(long)]
    workspace: Option<PathBuf>,
    /// Forget what an earlier run did.
    #[arg(long)]
    fresh: bool,
    /// Write a package even if nothing met the goals.
    #[arg(long)]
    keep_best: bool,
    /// Leave out of the package what it was measured on.
    #[arg(long)]
    no_host_facts: bool,
    /// Write a report of it all to this file.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Print the plan and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// This model was made on this machine: load its native code, now and later.
    #[arg(long)]
    built_here: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Inspects, plans, tries, tells.
pub(crate) fn run(
    args: &OptimizeArgs,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut wanted = wanted::wanted(args)?;
    // The model of a package stays where it was unpacked to until the end.
    let unpacked = packaged::unpack(args)?;
    let traced = traced::traced(args, &wanted, (settings, printer))?;
    let (model, output) = if let Some(traced) = &traced {
        let beside = args.model.with_extension("nav");
        (
            traced.model.as_path(),
            args.output.clone().unwrap_or(beside),
        )
    } else if let Some(unpacked) = &unpacked {
        wanted.data = wanted.data.or_else(|| unpacked.samples.clone());
        if wanted.inputs.is_empty() {
            wanted.inputs.clone_from(&unpacked.inputs);
        }
        (unpacked.model.as_path(), packaged::output(args)?)
    } else {
        let beside = args.model.with_extension("nav");
        (args.model.as_path(), args.output.clone().unwrap_or(beside))
    };
    work(
        args,
        &wanted,
        (model, &output),
        started,
        (settings, printer),
    )
}

/// The formats that variants may have: the model's own, and what it may be exported to.
fn formats(format: Format, wanted: &Wanted) -> Vec<Format> {
    if format == Format::TorchScript && wanted.python.is_some() {
        return vec![format, Format::Onnx];
    }
    vec![format]
}

fn work(
    args: &OptimizeArgs,
    wanted: &Wanted,
    (model, output): (&Path, &Path),
    started: Instant,
    (settings, printer): (&Settings, Printer),
) -> anyhow::Result<()> {
    let mut source = ModelSource::open(model)?;
    admission::admit(args, &source, settings)?;
    let formats = formats(source.inspection.format, wanted);
    let may_run = |name: &str| args.runner.is_empty() || args.runner.iter().any(|it| it == name);
    if formats.contains(&Format::Onnx) && may_run("OnnxCPU") {
        runtime::ensure_onnxruntime(settings, printer)?;
    }
    let host = Host::read();
    let probes = probe_runners(&formats, &settings.libraries, &worker::command()?);
    let facts = HostFacts::new(&host, probes);
    if source.signature().is_none() {
        let trial = Trial {
            settings: wanted,
            facts: &facts,
            libraries: &settings.libraries,
        };
        source.declared = Some(declare(&source, trial)?);
    } else if !wanted.inputs.is_empty() {
        let text = "--input is for models whose files do not say what they take, and this one does";
        return Err(UsageError(text.to_owned()).into());
    }
    if args.dry_run {
        return Ok(Printer::json(&plan(&source, wanted, &facts)?)?);
    }
    let command = step::command()?;
    let own = worker::command()?;
    let server = InOtherProcesses {
        command: nav_worker::WorkerCommand::new(own.program).with_argument("__serving"),
    };
    let means = Means {
        host: &host,
        facts: &facts,
        libraries: &settings.libraries,
        command: &command,
        cache_folder: settings.home.as_ref().map(Home::folder),
        server: Some(&server),
        started,
    };
    let mut progress = Progress::new(printer, started, wanted.time_budget);
    let optimized = optimize(&source, wanted, means, &mut progress);
    progress.finish();
    let mut optimized = optimized?;
    if args.no_host_facts {
        optimized.provenance.host = None;
    }
    admission::record_engines(&optimized.files, settings)?;
    outcome::tell(args, optimized, (output, started), printer)
}
