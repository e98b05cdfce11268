//! A model that is run to see what it gives, with the inputs that it is run on.

use std::collections::{BTreeMap, BTreeSet};

use nav_package_format::{DType, Dim, Shape, Signature, TensorData, TensorSpec, TensorView};
use nav_runners::RunnerHandle;

use super::inputs::BATCH;
use super::observe::{Observation, outputs};
use super::run::{DeclareError, Inputs, first_extents, made};
use crate::optimize::DimRange;
use crate::samples;

/// The open dimensions of an input, with their axes.
pub(super) fn symbols(spec: &TensorSpec) -> impl Iterator<Item = (usize, &String)> {
    let dims = spec.dims.iter().flatten().enumerate();
    dims.filter_map(|(axis, dim)| match dim {
        Dim::Symbolic(name) => Some((axis, name)),
        Dim::Fixed(_) | Dim::Unknown => None,
    })
}

/// The extents that the open dimensions have in a sample, to be kept.
pub(super) fn extents_of(specs: &[TensorSpec], sample: &Inputs) -> BTreeMap<String, usize> {
    let extents = samples::extents_of(specs, sample).into_iter();
    extents
        .map(|(name, extent)| (name.to_owned(), extent))
        .collect()
}

/// A loaded model and its inputs.
pub(super) struct Model {
    pub(super) handle: RunnerHandle,
    pub(super) specs: Vec<TensorSpec>,
}

impl Model {
    /// Runs it with each open dimension at either end of its range, on data that is made.
    pub(super) fn vary(
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
            let inputs = made(&self.specs, &extents, seed)?;
            runs.push(self.run(&inputs, extents)?);
        }
        self.signature(&runs)
    }

    /// Runs it on samples as they are, and on twice the rows of the first, which shows what the batch is.
    pub(super) fn follow(
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
