//! Runs a model to see what it gives, in the process that its runner has for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nav_package_format::{Device, Dim, Format, Shape, Signature, TensorData, TensorSpec};
use nav_runners::handle::InferError;
use nav_runners::{Declaration, Libraries, LoadError, LoadOptions, Probe, Runner, RunnerHandle};

use super::inputs::of_samples;
use super::model::{Model, extents_of, symbols};
use crate::optimize::{DimRange, ModelSource, Settings};
use crate::plan::{HostFacts, PlanError, guess, is_batch_like};
use crate::samples::{SampleError, generate, read_arrays};
use crate::step::write_tensors;

/// The batch that is run first, and the one that shows what depends on it.
const BATCHES: DimRange = DimRange { min: 2, max: 3 };

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// Nobody says what the model takes.
    #[error("a {format} model does not say what it takes{forward}")]
    NoInputs {
        /// The kind of model.
        format: Format,
        /// The head of its function, in brackets, where that is known.
        forward: String,
    },
    /// The samples are not of one model.
    #[error("the samples differ in what inputs they have")]
    Samples,
    /// The samples cannot be read.
    #[error(transparent)]
    Unreadable(#[from] SampleError),
    /// No runner is ready, or extents are not known.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No inputs can be made.
    #[error("no sample inputs can be made: {0}")]
    Inputs(String),
    /// The model cannot be loaded with these inputs.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The model cannot be run on them.
    #[error("the model fails on inputs of {shapes}")]
    Run {
        /// Their names and shapes.
        shapes: String,
        /// Why.
        source: InferError,
    },
    /// It gives something else every time.
    #[error("its outputs change in type or in the number of their dimensions from run to run")]
    Unstable,
}

/// What the model is tried with.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'a> {
    /// What the user said.
    pub settings: &'a Settings,
    /// The runners of this host.
    pub facts: &'a HostFacts,
    /// Where vendor libraries are.
    pub libraries: &'a Libraries,
}

/// Named inputs of a run.
pub(super) type Inputs = Vec<(String, TensorData)>;

/// What a model takes and gives. Runs it, so it must have been admitted.
pub fn declare(source: &ModelSource, trial: Trial<'_>) -> Result<Signature, DeclareError> {
    let settings = trial.settings;
    let (runner, device) = runner_for(source, trial)?;
    let (specs, samples) = told(settings, &|| forward(source))?;
    let mut model = Model {
        handle: open(source, &specs, (runner, device), trial, &samples)?,
        specs,
    };
    model.handle.activate()?;
    if samples.is_empty() {
        let ranges = ranges(&model.specs, &settings.dims)?;
        return model.vary(&ranges, settings.seed);
    }
    model.follow(&samples, settings.inputs.is_empty())
}

/// What the user says of the inputs, by word or by samples, and the samples.
fn told(
    settings: &Settings,
    forward: &dyn Fn() -> String,
) -> Result<(Vec<TensorSpec>, Vec<Inputs>), DeclareError> {
    let samples = match &settings.data {
        Some(path) => read_arrays(path)?,
        None => Vec::new(),
    };
    if !settings.inputs.is_empty() {
        return Ok((settings.inputs.clone(), samples));
    }
    if samples.is_empty() {
        return Err(DeclareError::NoInputs {
            format: Format::TorchScript,
            forward: forward(),
        });
    }
    let specs = of_samples(&samples).ok_or(DeclareError::Samples)?;
    Ok((specs, samples))
}

/// Writes inputs for one run of a model of which only this is known, as an `.npz` file: the first sample, or data that is made.
pub fn write_example(settings: &Settings, path: &Path) -> Result<Vec<TensorSpec>, DeclareError> {
    let (specs, samples) = told(settings, &String::new)?;
    let inputs = if let Some(first) = samples.into_iter().next() {
        first
    } else {
        let extents = first_extents(&ranges(&specs, &settings.dims)?);
        made(&specs, &extents, settings.seed)?
    };
    let views = inputs
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.view()));
    let written = write_tensors(path, views);
    written.map_err(|error| DeclareError::Inputs(error.to_string()))?;
    Ok(specs)
}

/// Data of these extents for each input.
pub(super) fn made(
    specs: &[TensorSpec],
    extents: &BTreeMap<String, usize>,
    seed: u64,
) -> Result<Inputs, DeclareError> {
    let made = specs.iter().map(|spec| {
        let dims = spec.dims.iter().flatten().map(|dim| match dim {
            Dim::Fixed(extent) => *extent,
            Dim::Symbolic(name) => extents.get(name).copied().unwrap_or(1),
            Dim::Unknown => 1,
        });
        let tensor = generate(spec, &Shape::new(dims), None, seed);
        let tensor = tensor.map_err(|error| DeclareError::Inputs(error.to_string()))?;
        Ok((spec.name.clone(), tensor))
    });
    made.collect()
}

/// The head of the model's function, for people.
fn forward(source: &ModelSource) -> String {
    match &source.inspection.facts {
        crate::inspect::Facts::TorchScript(facts) => facts
            .forward
            .as_ref()
            .map(|head| format!(" (its code begins with `{head}`)"))
            .unwrap_or_default(),
        crate::inspect::Facts::Onnx(_) => String::new(),
    }
}

/// The first runner that is ready, those on the processor before others.
fn runner_for(
    source: &ModelSource,
    trial: Trial<'_>,
) -> Result<(&'static dyn Runner, Device), PlanError> {
    let format = source.file.format;
    let (mut ready, mut missing) = (Vec::new(), Vec::new());
    for runner in nav_worker::all_runners().filter(|it| it.formats().contains(&format)) {
        let name = runner.name();
        let mut known = trial.facts.runners.iter();
        match known.find(|facts| facts.name == name).map(|it| &it.probe) {
            Some(Probe::Ready { devices, .. }) => {
                ready.push((runner, devices.first().copied().unwrap_or_default()));
            }
            Some(Probe::Missing { reason, .. }) => missing.push((name.to_owned(), reason.clone())),
            None => {}
        }
    }
    ready.sort_by_key(|(_, device)| *device != Device::Cpu);
    let first = ready.into_iter().next();
    first.ok_or(PlanError::NoRunner { format, missing })
}

fn open(
    source: &ModelSource,
    specs: &[TensorSpec],
    (runner, device): (&'static dyn Runner, Device),
    trial: Trial<'_>,
    samples: &[Inputs],
) -> Result<RunnerHandle, DeclareError> {
    let extents = match samples.first() {
        Some(sample) => extents_of(specs, sample),
        None => first_extents(&ranges(specs, &trial.settings.dims)?),
    };
    let options = LoadOptions {
        device,
        libraries: trial.libraries.clone(),
        declared: Some(Declaration {
            signature: Signature {
                inputs: specs.to_vec(),
                outputs: Vec::new(),
            },
            extents,
        }),
        ..LoadOptions::default()
    };
    let file = source.file.clone();
    Ok(RunnerHandle::new(Box::new(runner), file, options))
}

/// What is tried with each open dimension: what the user said, or what its name says.
fn ranges(
    specs: &[TensorSpec],
    given: &BTreeMap<String, DimRange>,
) -> Result<BTreeMap<String, DimRange>, PlanError> {
    let names: BTreeSet<&String> = specs
        .iter()
        .flat_map(symbols)
        .map(|(_, name)| name)
        .collect();
    let is_first = |name: &str| {
        let firsts = specs.iter().map(|spec| spec.dims.as_ref()?.first());
        let mut firsts = firsts.collect::<Vec<_>>().into_iter();
        firsts.all(|first| matches!(first, Some(Dim::Symbolic(first)) if first == name))
    };
    let (mut ranges, mut unknown) = (BTreeMap::new(), Vec::new());
    for name in names {
        let usual = if is_batch_like(name) || (is_first(name) && guess(name).is_none()) {
            Some(BATCHES)
        } else {
            guess(name)
        };
        match given.get(name).copied().or(usual) {
            Some(range) => {
                ranges.insert(name.clone(), range);
            }
            None => unknown.push(name.clone()),
        }
    }
    if unknown.is_empty() {
        Ok(ranges)
    } else {
        Err(PlanError::OpenDimensions { names: unknown })
    }
}

pub(super) fn first_extents(ranges: &BTreeMap<String, DimRange>) -> BTreeMap<String, usize> {
    let largest = ranges.iter();
    largest
        .map(|(name, range)| (name.clone(), range.max))
        .collect()
}
