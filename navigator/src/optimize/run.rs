//! The whole of it, in order.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nav_package_format::package::manifest::{MeasuredOn, Model, Provenance};
use nav_package_format::package::strategy::{STRATEGIES, choose};
use nav_package_format::package::{
    Choice, Decision, Evaluation, Outcome, Record, Serving, Strategy, Variant,
};
use nav_runners::{Libraries, LoadOptions};
use nav_worker::WorkerCommand;

use super::error::OptimizeError;
use super::event::{Event, Observer, Stage};
use super::outcome::Optimized;
use super::settings::Settings;
use super::source::ModelSource;
use crate::execute::{Executed, Site, execute};
use crate::host::Host;
use crate::pack::ModelFiles;
use crate::plan::{self, HostFacts, Origin, Plan, SampleShapes};
use crate::samples::{Sample, SampleSource, read_samples};
use crate::serving::{ServingMeasurer, ServingTrial};
use crate::workspace::{Journal, Workspace, WorkspaceError};

/// What an optimization works with, besides the model and the settings.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// The host.
    pub host: &'a Host,
    /// The host and its runners, as far as plans depend on them.
    pub facts: &'a HostFacts,
    /// Where vendor libraries are.
    pub libraries: &'a Libraries,
    /// The program whose `__step` this is, with the arguments that come before the step file.
    pub command: &'a WorkerCommand,
    /// The folder for caches, where workspaces go that the user does not name.
    pub cache_folder: Option<&'a std::path::Path>,
    /// Measures through the server's own batching.
    pub server: Option<&'a dyn ServingMeasurer>,
    /// When it all began.
    pub started: Instant,
}

/// What would be done.
pub fn plan(
    source: &ModelSource,
    settings: &Settings,
    facts: &HostFacts,
) -> Result<Plan, OptimizeError> {
    Ok(prepare(source, settings, facts)?.0)
}

fn prepare(
    source: &ModelSource,
    settings: &Settings,
    facts: &HostFacts,
) -> Result<(Plan, Vec<Sample>), OptimizeError> {
    let signature = source.signature();
    let samples = match (&settings.data, signature) {
        (Some(path), Some(signature)) => read_samples(path, signature)?,
        _ => Vec::new(),
    };
    let shapes_of = |sample: &Sample| {
        let inputs = sample.inputs.iter();
        let shapes = inputs.map(|(name, tensor)| (name.clone(), tensor.shape().clone()));
        (sample.name.clone(), shapes.collect())
    };
    let known: Vec<(String, SampleShapes)> = samples.iter().map(shapes_of).collect();
    Ok((plan::build(source, facts, settings, &known)?, samples))
}

/// Optimizes a model. That nothing met the goals is an outcome without a choice.
pub fn optimize(
    source: &ModelSource,
    settings: &Settings,
    means: Means<'_>,
    observer: &mut dyn Observer,
) -> Result<Optimized, OptimizeError> {
    let (plan, given) = prepare(source, settings, means.facts)?;
    observer.event(&Event::Planned(Box::new(plan.clone())));
    let workspace = open_workspace(settings, &plan, means)?;
    let samples = SampleSource::new(
        plan.signature.clone(),
        source.index_bounds(),
        plan.seed,
        given,
    );
    let site = Site {
        plan: &plan,
        source,
        host: means.facts,
        libraries: means.libraries,
        command: means.command,
        samples: &samples,
        journal: Journal::of(&workspace),
        workspace: &workspace,
        started: means.started,
    };
    let executed = execute(&site, observer)?;
    let Told {
        variants,
        mut records,
        files,
        files_of,
    } = told(&site, &executed);
    let decisions = decide(&plan, &variants, &records);
    let mut chosen = decisions.iter().take(plan.goals.len());
    let choice = chosen.find_map(|decision| decision.choice.clone());
    let serving = choice.as_ref().and_then(|choice| {
        let strategy = decisions
            .iter()
            .find(|decision| decision.choice.as_ref() == Some(choice))?;
        Serving::of_choice(choice, &strategy.strategy, &variants, &records)
    });
    if let (Some(choice), Some(serving), Some(server)) = (&choice, &serving, means.server) {
        observer.event(&Event::Stage(Stage::Serving));
        records.extend(serve(&site, &executed, server, choice, serving));
    }
    for record in &records {
        observer.event(&Event::Recorded(Box::new(record.clone())));
    }
    let provenance = provenance(means, &variants);
    Ok(Optimized {
        model: Model {
            name: source.name(),
            format: plan.format.name().to_owned(),
            files: Vec::new(),
            signature: plan.signature.clone(),
            batch_axis: plan.batch_axis,
        },
        variants,
        records,
        decisions,
        choice,
        serving,
        provenance,
        files,
        files_of,
        samples: executed.samples,
        plan,
        workspace,
    })
}

fn open_workspace(
    settings: &Settings,
    plan: &Plan,
    means: Means<'_>,
) -> Result<Workspace, WorkspaceError> {
    let folder = if let Some(folder) = &settings.workspace {
        folder.clone()
    } else {
        let cache = means.cache_folder.ok_or(WorkspaceError::Nowhere)?;
        let name: String = plan.model.to_string().chars().take(16).collect();
        cache.join("optimize").join(name)
    };
    let folder = std::path::absolute(&folder).map_err(|source| WorkspaceError::Io {
        path: folder,
        source,
    })?;
    Workspace::open(&folder, settings.workspace.is_some(), settings.fresh)
}

/// What there is to tell of the candidates.
struct Told {
    variants: Vec<Variant>,
    records: Vec<Record>,
    files: Vec<ModelFiles>,
    files_of: Vec<Option<usize>>,
}

fn told(site: &Site<'_>, executed: &Executed) -> Told {
    let mut entries: Vec<_> = executed.entries.iter().enumerate().collect();
    // What everything is compared with comes first.
    entries.sort_by_key(|(index, _)| (Some(*index) != executed.reference, *index));
    let mut told = Told {
        variants: Vec::new(),
        records: Vec::new(),
        files: vec![own_files(site.source)],
        files_of: Vec::new(),
    };
    for (_, entry) in entries {
        let file = site.model_file(&entry.candidate);
        let place = match &entry.candidate.origin {
            Origin::Untouched => Some(0),
            Origin::Converted(name) => {
                let known = told.files.iter().position(|files| files.path == file.path);
                if known.is_none() && file.path.exists() {
                    told.files.push(ModelFiles {
                        folder: name.clone(),
                        format: file.format,
                        path: file.path.clone(),
                        others: Vec::new(),
                    });
                }
                told.files.iter().position(|files| files.path == file.path)
            }
        };
        told.files_of.push(place);
        told.variants.push(entry.variant(site));
        told.records.extend(entry.records(site));
    }
    told
}

/// The files of the model as it was given.
fn own_files(source: &ModelSource) -> ModelFiles {
    let others = source.inspection.external_files.iter().map(|file| {
        let path = source.file.path.with_file_name(&file.path);
        (file.path.clone(), path)
    });
    ModelFiles {
        folder: source.file.format.name().to_owned(),
        format: source.file.format,
        path: source.file.path.clone(),
        others: others.collect(),
    }
}

/// What every strategy chooses: those that were asked for, then the others.
fn decide(plan: &Plan, variants: &[Variant], records: &[Record]) -> Vec<Decision> {
    let evaluations: Vec<Evaluation> = variants
        .iter()
        .map(|variant| Evaluation::of(variant, records))
        .collect();
    let asked: Vec<Box<dyn Strategy>> = plan.goals.iter().map(|goal| goal.strategy()).collect();
    let mut strategies: Vec<&dyn Strategy> = asked.iter().map(AsRef::as_ref).collect();
    for &other in STRATEGIES {
        if strategies.iter().all(|known| known.name() != other.name()) {
            strategies.push(other);
        }
    }
    let decided = strategies.into_iter().map(|strategy| {
        let (choice, refusal) = match choose(&[strategy], &evaluations) {
            Ok(choice) => (Some(choice), None),
            Err(refused) => (None, Some(refused.to_string())),
        };
        Decision {
            strategy: strategy.name(),
            choice,
            refusal,
        }
    });
    decided.collect()
}

/// How long each is measured through the server's own batching.
const SERVING_BUDGET: Duration = Duration::from_millis(200);

/// The choice, and the untouched model, through the server's own batching.
fn serve(
    site: &Site<'_>,
    executed: &Executed,
    server: &dyn ServingMeasurer,
    choice: &Choice,
    serving: &Serving,
) -> Vec<Record> {
    // The first sample is of one row.
    let Some(sample) = executed.samples.first() else {
        return Vec::new();
    };
    let is_chosen = |variant: &str, runner: &str| {
        variant == choice.runtime.variant && runner == choice.runtime.runner
    };
    let entries = executed
        .entries
        .iter()
        .enumerate()
        .filter(|(index, entry)| {
            Some(*index) == executed.reference
                || is_chosen(&entry.candidate.variant, &entry.candidate.runner)
        });
    let records = entries.map(|(_, entry)| {
        let candidate = &entry.candidate;
        let own = if is_chosen(&candidate.variant, &candidate.runner) {
            serving.clone()
        } else {
            Serving {
                variant: candidate.variant.clone(),
                runner: candidate.runner.clone(),
                instances: candidate.instances,
                threads: candidate.settings.intra_threads,
                ..serving.clone()
            }
        };
        let name = nav_package_format::package::record::SERVING;
        let mut record = Record::new(name, &candidate.variant, &candidate.runner, Outcome::Ok);
        let variant = entry.variant(site);
        let trial = ServingTrial {
            runner: variant.runner.clone(),
            model: site.model_file(candidate),
            options: LoadOptions {
                device: variant.device,
                settings: variant.settings.clone(),
                libraries: site.libraries.clone(),
                declared: site.declaration(candidate),
                save_to: None,
            },
            serving: own,
            inputs: sample.inputs.clone(),
            budget: SERVING_BUDGET,
        };
        match server.measure(&trial) {
            Ok(measurement) => record.measurements.push(measurement),
            Err(reason) => {
                record.outcome = Outcome::Failed;
                record.reason = Some(reason);
            }
        }
        record
    });
    records.collect()
}

fn provenance(means: Means<'_>, variants: &[Variant]) -> Provenance {
    let host = means.host;
    let used = variants.iter().filter_map(|variant| {
        let version = means.facts.version(&variant.runner)?;
        Some((variant.runner.clone(), version.to_owned()))
    });
    let gpus = match &host.gpus {
        crate::host::Gpus::Present { devices, .. } => {
            devices.iter().map(|gpu| gpu.name.clone()).collect()
        }
        crate::host::Gpus::Absent | crate::host::Gpus::Unusable { .. } => Vec::new(),
    };
    Provenance {
        tool: "nav".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created: None,
        host: Some(MeasuredOn {
            system: host.system.clone(),
            processor: host.cpu.model.clone(),
            architecture: host.cpu.architecture.to_owned(),
            cores: host.cpu.cores,
            threads: host.cpu.usable_threads,
            memory_bytes: host.memory.total_bytes,
            gpus,
            runners: used.collect::<BTreeMap<String, String>>(),
        }),
    }
}
