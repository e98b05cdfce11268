//! `nav optimize`: from a model to proven and measured ways to run it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use nav_navigator::host::Host;
use nav_navigator::optimize::{
    DimRange, Event, Goal, MAX_BATCH, Means, ModelSource, Observer, Optimized, Settings as Wanted,
    optimize, plan,
};
use nav_navigator::pack::pack;
use nav_navigator::plan::HostFacts;
use nav_navigator::probe::probe_runners;

use super::{runtime, step, worker};
use crate::exit::{NoChoiceError, UsageError};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::{Chosen, StrategyArgs};

/// The arguments of `nav optimize`.
#[derive(Args, Debug)]
pub(crate) struct OptimizeArgs {
    /// The model.
    model: PathBuf,
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
    /// The extent, or the range of extents, of a symbolic dimension: `sequence=16..128`.
    #[arg(long, value_name = "NAME=RANGE")]
    dim: Vec<String>,
    /// Samples: an `.npz` or `.npy` file, or a folder of them.
    #[arg(long, value_name = "FILE|FOLDER")]
    data: Option<PathBuf>,
    /// Where generated samples start from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How long the whole may take, in seconds.
    #[arg(long, default_value_t = 90.0, value_name = "SECONDS")]
    time_budget: f64,
    /// The most memory that a step may hold, in MiB.
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u64>,
    /// The folder to work in, which is kept.
    #[arg(long)]
    workspace: Option<PathBuf>,
    /// Forget what an earlier run did.
    #[arg(long)]
    fresh: bool,
    /// Where the package goes; beside the model, if left out.
    #[arg(long, short, value_name = "FILE.nav")]
    output: Option<PathBuf>,
    /// Write a package even if nothing met the goals.
    #[arg(long)]
    keep_best: bool,
    /// Print the plan and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Inspects, plans, tries, tells.
pub(crate) fn run(
    args: &OptimizeArgs,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let wanted = wanted(args)?;
    let source = ModelSource::open(&args.model)?;
    let needed = nav_runners::VendorRuntime::Onnxruntime;
    if args.runner.is_empty() || args.runner.iter().any(|name| name == "OnnxCPU") {
        match runtime::ensure(needed, settings, printer) {
            Err(error) if settings.offline => printer.note(&format!("{error}")),
            ensured => ensured?,
        }
    }
    let host = Host::read();
    let format = source.inspection.format;
    let probes = probe_runners(format, &settings.libraries, &worker::command()?);
    let facts = HostFacts::new(&host, probes);
    if args.dry_run {
        return Ok(Printer::json(&plan(&source, &wanted, &facts)?)?);
    }
    let command = step::command()?;
    let means = Means {
        host: &host,
        facts: &facts,
        libraries: &settings.libraries,
        command: &command,
        cache_folder: settings.cache.as_deref(),
        server: None,
        started,
    };
    let mut lines = Lines { printer, started };
    let optimized = optimize(&source, &wanted, means, &mut lines)?;
    tell(args, optimized)
}

fn tell(args: &OptimizeArgs, optimized: Optimized) -> anyhow::Result<()> {
    if args.json {
        let manifest = serde_json::json!({
            "model": optimized.model,
            "variants": optimized.variants,
            "records": optimized.records,
            "decisions": optimized.decisions,
            "serving": optimized.serving,
            "provenance": optimized.provenance,
        });
        Printer::json(&manifest)?;
    } else if let Some(choice) = &optimized.choice {
        Printer::data(&choice.why)?;
    }
    let refusals: Vec<String> = optimized
        .decisions
        .iter()
        .take(optimized.plan.goals.len())
        .filter_map(|decision| decision.refusal.clone())
        .collect();
    let has_choice = optimized.choice.is_some();
    if has_choice || args.keep_best {
        let beside = args.model.with_extension("nav");
        let to = args.output.as_deref().unwrap_or(&beside);
        pack(&optimized, to, &mut |_| {})?;
    }
    // What failed can be done again as long as the folder is there.
    if !optimized.has_failures() {
        optimized.workspace.remove()?;
    }
    if has_choice {
        return Ok(());
    }
    Err(NoChoiceError {
        reasons: refusals.join("; "),
    }
    .into())
}

fn wanted(args: &OptimizeArgs) -> anyhow::Result<Wanted> {
    let mut dims = BTreeMap::new();
    for text in &args.dim {
        let wrong = || UsageError(format!("`{text}` is not NAME=EXTENT or NAME=MIN..MAX"));
        let (name, range) = text.rsplit_once('=').ok_or_else(wrong)?;
        let range: DimRange = range.parse().map_err(|_| wrong())?;
        dims.insert(name.to_owned(), range);
    }
    let goals = match args.strategy.strategies()? {
        Chosen::Budget(budget) => vec![Goal::LatencyBudget {
            budget_ms: budget.budget_ms,
            percentile: budget.percentile,
        }],
        Chosen::Selected(_) => {
            let text = "--strategy: a variant is chosen by name only from a package that is there";
            return Err(UsageError(text.to_owned()).into());
        }
        Chosen::Named(strategies) => {
            let goals = strategies.iter().map(|strategy| goal(&strategy.name()));
            goals.collect()
        }
    };
    let budget = Duration::try_from_secs_f64(args.time_budget)
        .map_err(|_| UsageError("--time-budget is no number of seconds".to_owned()))?;
    Ok(Wanted {
        runners: args.runner.clone(),
        goals,
        max_batch: args.max_batch,
        batch_sizes: args.batch_sizes.clone(),
        threads: args.threads.clone(),
        instances: args.instances.clone(),
        dims,
        data: args.data.clone(),
        seed: args.seed,
        time_budget: budget,
        memory_limit: args.memory_limit.map(|mebibytes| mebibytes << 20),
        workspace: args.workspace.clone(),
        fresh: args.fresh,
        keep_best: args.keep_best,
        ..Wanted::default()
    })
}

fn goal(name: &str) -> Goal {
    let goals = [
        Goal::MaxThroughput,
        Goal::MinLatency,
        Goal::MaxThroughputAndMinLatency,
    ];
    let named = goals
        .into_iter()
        .find(|goal| goal.strategy().name() == name);
    named.unwrap_or(Goal::MaxThroughput)
}

/// Tells what goes on in plain lines.
struct Lines {
    printer: Printer,
    started: Instant,
}

impl Observer for Lines {
    fn event(&mut self, event: &Event) {
        let text = match event {
            Event::Planned(_) | Event::Measuring { .. } | Event::Recorded(_) => return,
            Event::Stage(stage) => format!("{stage:?}"),
            Event::Reference {
                variant,
                runner,
                is_independent,
                ..
            } => {
                let alone = if *is_independent {
                    ""
                } else {
                    "; no other runner's outputs are compared with it"
                };
                format!("{variant} on {runner} says what is right{alone}")
            }
            Event::Checked {
                variant,
                runner,
                fault,
            } => match fault {
                Some(fault) => format!("{variant} on {runner}: {fault}"),
                None => format!("{variant} on {runner} is right"),
            },
            Event::Measured {
                variant,
                runner,
                batch,
                measurement,
                failure,
            } => {
                let batch = batch.map_or_else(String::new, |batch| format!(" batch {batch}"));
                let found = measurement.map_or_else(String::new, |one| {
                    let spread = one.uncertainty.unwrap_or(1.0) * 100.0;
                    format!(
                        " {:.3} ms +-{spread:.1} %, {:.1}/s",
                        one.latency.p50_ms, one.throughput
                    )
                });
                let failure = failure.as_deref().unwrap_or_default();
                format!("{variant} on {runner}{batch}:{found} {failure}")
            }
            Event::Dropped {
                variant,
                runner,
                reason,
            } => {
                format!("{variant} on {runner} is out: {reason}")
            }
            Event::OutOfTime { skipped } => format!("the time is up; left out: {skipped}"),
        };
        let elapsed = self.started.elapsed().as_secs_f64();
        self.printer
            .note(&format!("{elapsed:6.2} s  {}", text.trim_end()));
    }
}
