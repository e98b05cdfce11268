//! Runs a model to see what it gives, in the process that its runner has for it.

use std::collections::{BTreeMap, BTreeSet};

use nav_package_format::{
    DType, Device, Dim, Shape, Signature, TensorData, TensorSpec, TensorView,
};
use nav_runners::handle::InferError;
use nav_runners::{Declaration, Libraries, LoadError, LoadOptions, Probe, Runner, RunnerHandle};

use super::inputs::{BATCH, of_samples};
use super::observe::{Observation, outputs};
use crate::optimize::{DimRange, ModelSource, Settings};
use crate::plan::{HostFacts, PlanError, guess, is_batch_like};
use crate::samples::{SampleError, generate, read_arrays};

/// The batch that is run first, and the one that shows what depends on it.
const BATCHES: DimRange = DimRange { min: 2, max: 3 };

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// Nobody says what the model takes.
    #[error("a {format} model does not say what it takes{forward}")]
    NoInputs {
        /// The kind of model.
        format: nav_package_format::Format,
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
type Inputs = Vec<(String, TensorData)>;

/// What a model takes and gives. Runs it, so it must have been admitted.
pub fn declare(source: &ModelSource, trial: Trial<'_>) -> Result<Signature, DeclareError> {
    let settings = trial.settings;
    let (runner, device) = runner_for(source, trial)?;
    let samples = match &settings.data {
        Some(path) => read_arrays(path)?,
        None => Vec::new(),
    };
    let specs = if settings.inputs.is_empty() {
        if samples.is_empty() {
            return Err(DeclareError::NoInputs {
                format: source.file.format,
                forward: forward(source),
            });
        }
        of_samples(&samples).ok_or(DeclareError::Samples)?
    } else {
        settings.inputs.clone()
    };
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

fn first_extents(ranges: &BTreeMap<String, DimRange>) -> BTreeMap<String, usize> {
    let largest = ranges.iter();
    largest
        .map(|(name, range)| (name.clone(), range.max))
        .collect()
}

/// The open dimensions of an input, with their axes.
fn symbols(spec: &TensorSpec) -> impl Iterator<Item = (usize, &String)> {
    let dims = spec.dims.iter().flatten().enumerate();
    dims.filter_map(|(axis, dim)| match dim {
        Dim::Symbolic(name) => Some((axis, name)),
        Dim::Fixed(_) | Dim::Unknown => None,
    })
}

/// The extents that the open dimensions have in a sample.
fn extents_of(specs: &[TensorSpec], sample: &Inputs) -> BTreeMap<String, usize> {
    let mut extents = BTreeMap::new();
    for spec in specs {
        let Some((_, tensor)) = sample.iter().find(|(name, _)| *name == spec.name) else {
            continue;
        };
        for (axis, name) in symbols(spec) {
            if let Some(&extent) = tensor.shape().get(axis) {
                extents.insert(name.clone(), extent);
            }
        }
    }
    extents
}

/// A loaded model and its inputs.
struct Model {
    handle: RunnerHandle,
    specs: Vec<TensorSpec>,
}

impl Model {
    /// Runs it with each open dimension at either end of its range, on data that is made.
    fn vary(
        mut self,
        ranges: &BTreeMap<String, DimRange>,
        seed: u64,
    ) -> Result<Signature, DeclareError> {
        let base = first_extents(ranges);
        let smaller = ranges.iter().filter(|(_, range)| range.min < range.max);
        let mut tried = vec![base.clone()];
        tried.extend(smaller.map(|(name, range)| {
            let mut extents = base.clone();
            extents.insert(name.clone(), range.min);
            extents
        }));
        let mut runs = Vec::with_capacity(tried.len());
        for extents in tried {
            let inputs = self.made(&extents, seed)?;
            runs.push(self.run(&inputs, extents)?);
        }
        self.signature(&runs)
    }

    fn made(&self, extents: &BTreeMap<String, usize>, seed: u64) -> Result<Inputs, DeclareError> {
        let made = self.specs.iter().map(|spec| {
            let dims = spec.dims.iter().flatten().map(|dim| match dim {
                Dim::Fixed(extent) => *extent,
                Dim::Symbolic(name) => extents.get(name).copied().unwrap_or(1),
                Dim::Unknown => 1,
            });
            let shape = Shape::new(dims);
            let tensor = generate(spec, &shape, None, seed);
            let tensor = tensor.map_err(|error| DeclareError::Inputs(error.to_string()))?;
            Ok((spec.name.clone(), tensor))
        });
        made.collect()
    }

    /// Runs it on samples as they are, and on twice the rows of the first, which shows what the batch is.
    fn follow(
        mut self,
        samples: &[Inputs],
        is_batch_guessed: bool,
    ) -> Result<Signature, DeclareError> {
        let mut runs = Vec::new();
        for sample in samples {
            let extents = extents_of(&self.specs, sample);
            runs.push(self.run(sample, extents)?);
        }
        let doubled = samples.first().and_then(|sample| self.doubled(sample));
        if let Some(doubled) = doubled {
            let extents = extents_of(&self.specs, &doubled);
            match self.run(&doubled, extents) {
                Ok(run) => runs.push(run),
                Err(error) if !is_batch_guessed => return Err(error),
                // It takes so many rows and no others.
                Err(_) => self.fix_batch(samples),
            }
        }
        self.signature(&runs)
    }

    /// The rows of a sample twice, where all inputs have the same open axis first.
    fn doubled(&self, sample: &Inputs) -> Option<Inputs> {
        let mut names = BTreeSet::new();
        for spec in &self.specs {
            match spec.dims.as_ref()?.first()? {
                Dim::Symbolic(name) => names.insert(name),
                Dim::Fixed(_) | Dim::Unknown => return None,
            };
        }
        if names.len() != 1 {
            return None;
        }
        let doubled = sample.iter().map(|(name, tensor)| {
            let shape = tensor.shape().iter().enumerate();
            let shape = shape.map(|(axis, &extent)| extent << usize::from(axis == 0));
            let bytes = tensor.bytes().repeat(2);
            let tensor = TensorData::new(tensor.dtype(), Shape::new(shape), bytes).ok()?;
            Some((name.clone(), tensor))
        });
        doubled.collect()
    }

    fn fix_batch(&mut self, samples: &[Inputs]) {
        let first: BTreeSet<usize> = samples
            .iter()
            .filter_map(|sample| sample.first()?.1.shape().first().copied())
            .collect();
        let fixed = first.first().copied().filter(|_| first.len() == 1);
        let dims = self.specs.iter_mut().filter_map(|spec| spec.dims.as_mut());
        for dim in dims.filter_map(|dims| dims.first_mut()) {
            if let (Dim::Symbolic(name), Some(extent)) = (&*dim, fixed)
                && name == BATCH
            {
                *dim = Dim::Fixed(extent);
            }
        }
    }

    fn run(
        &mut self,
        inputs: &Inputs,
        extents: BTreeMap<String, usize>,
    ) -> Result<Observation, DeclareError> {
        let views: Vec<(&str, TensorView<'_>)> = inputs
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.view()))
            .collect();
        let given = self.handle.infer(&views).map_err(|source| {
            let shapes = inputs
                .iter()
                .map(|(name, tensor)| format!("`{name}` {}", tensor.shape()));
            DeclareError::Run {
                shapes: shapes.collect::<Vec<_>>().join(", "),
                source,
            }
        })?;
        let outputs: Vec<(String, DType, Shape)> = given
            .iter()
            .map(|(name, tensor)| {
                let desc = &tensor.desc;
                (name.to_owned(), desc.dtype, desc.shape.clone())
            })
            .collect();
        Ok(Observation { extents, outputs })
    }

    fn signature(self, runs: &[Observation]) -> Result<Signature, DeclareError> {
        Ok(Signature {
            outputs: outputs(runs).ok_or(DeclareError::Unstable)?,
            inputs: self.specs,
        })
    }
}
