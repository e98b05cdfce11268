//! The whole of it, in order.

use std::collections::BTreeMap;
use std::time::Instant;

use nav_package_format::package::manifest::{MeasuredOn, Model, Provenance};
use nav_package_format::package::strategy::{STRATEGIES, choose};
use nav_package_format::package::{Decision, Evaluation, Record, Serving, Strategy, Variant};
use nav_runners::Libraries;
use nav_worker::WorkerCommand;

use super::error::OptimizeError;
use super::event::{Event, Observer, Stage};
use super::outcome::Optimized;
use super::served::serve;
use super::settings::Settings;
use super::source::ModelSource;
use super::timeline::{Stopwatch, Timeline};
use crate::execute::{Executed, Site, execute};
use crate::host::Host;
use crate::pack::ModelFiles;
use crate::plan::{self, HostFacts, Origin, Plan, SampleShapes};
use crate::samples::{Sample, SampleSource, read_samples};
use crate::serving::ServingMeasurer;
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
    let stopwatch = Stopwatch::default();
    let mut observer = Timeline::new(means.started, &stopwatch, observer);
    let observer = &mut observer;
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
        measured: &stopwatch,
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
    if let (Some(serving), Some(server)) = (&serving, means.server) {
        observer.event(&Event::Stage(Stage::Serving));
        records.extend(serve(&site, &executed, server, serving));
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
        phases: observer.phases(),
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
