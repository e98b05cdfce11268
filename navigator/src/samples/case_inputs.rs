//! The inputs of a case: generated, or made of the samples that the user gave.

use std::collections::BTreeMap;

use nav_package_format::{Digest, Dim, Hasher, Signature, TensorData, TensorSpec};

use super::dims::{DimensionError, DimensionValues, Dimensions};
use super::generate::{GenerateError, generate};
use super::given::Sample;
use super::rows::{self, RowsError};
use crate::plan::CaseData;

/// What inputs are made of.
#[derive(Debug)]
pub struct SampleSource {
    signature: Signature,
    index_bounds: BTreeMap<String, u64>,
    seed: u64,
    given: Vec<Sample>,
    digest: Digest,
}

/// Why inputs cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// Dimensions are open.
    #[error(transparent)]
    Dimension(#[from] DimensionError),
    /// Nothing can be generated.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// No batch can be made of the samples.
    #[error("no batch can be made of `{input}` in the samples")]
    Rows {
        /// The input.
        input: String,
        /// What is wrong.
        source: RowsError,
    },
    /// There is no such sample.
    #[error("there is no sample {sample}")]
    NoSample {
        /// Its number.
        sample: usize,
    },
}

impl SampleSource {
    /// Inputs for this signature: the user's samples if there are any, and generated ones otherwise.
    /// `index_bounds` are integer inputs to the first value that is too large.
    pub fn new(
        signature: Signature,
        index_bounds: BTreeMap<String, u64>,
        seed: u64,
        given: Vec<Sample>,
    ) -> Self {
        let mut hasher = Hasher::default();
        for (name, tensor) in given.iter().flat_map(|sample| &sample.inputs) {
            hasher.update(format!("{name}\n{}\n{}\n", tensor.dtype(), tensor.shape()).as_bytes());
            hasher.update(tensor.bytes());
        }
        Self {
            signature,
            index_bounds,
            seed,
            given,
            digest: hasher.finish(),
        }
    }

    /// The digest of the user's samples.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The inputs of a case, in the order of the signature.
    pub fn make(&self, case: &CaseData) -> Result<Vec<(String, TensorData)>, MakeError> {
        match case {
            CaseData::Generated { batch, dims } => self.generated(*batch, dims),
            CaseData::Given { sample } => {
                let found = self.given.get(*sample);
                let found = found.ok_or(MakeError::NoSample { sample: *sample })?;
                Ok(found.inputs.clone())
            }
            CaseData::Rows { batch } => self.rows(*batch),
        }
    }

    fn generated(
        &self,
        batch: Option<usize>,
        dims: &BTreeMap<String, usize>,
    ) -> Result<Vec<(String, TensorData)>, MakeError> {
        let mut values = DimensionValues::default();
        for (name, &extent) in dims {
            values.insert(name, extent)?;
        }
        let mut dimensions = Dimensions::of(&self.signature, &values)?;
        if let Some(batch) = batch {
            dimensions = dimensions.with_batch(&self.signature, batch);
        }
        let needed = self.signature.inputs.iter().filter(|spec| !spec.optional);
        needed
            .map(|spec| {
                let shape = dimensions.shape_of(spec)?;
                let bound = self.index_bounds.get(&spec.name).copied();
                Ok((spec.name.clone(), generate(spec, &shape, bound, self.seed)?))
            })
            .collect()
    }

    /// Inputs of the first sample, and of those that are like it.
    fn rows(&self, batch: usize) -> Result<Vec<(String, TensorData)>, MakeError> {
        let first = self
            .given
            .first()
            .ok_or(MakeError::NoSample { sample: 0 })?;
        let like = self.given.iter().filter(|sample| is_like(sample, first));
        let like: Vec<&Sample> = like.collect();
        let made = first.inputs.iter().map(|(name, _)| {
            let of_input = like.iter().flat_map(|sample| &sample.inputs);
            let tensors: Vec<&TensorData> = of_input
                .filter(|(other, _)| other == name)
                .map(|(_, tensor)| tensor)
                .collect();
            let made = rows::batch(&tensors, batch).map_err(|source| MakeError::Rows {
                input: name.clone(),
                source,
            })?;
            Ok((name.clone(), made))
        });
        made.collect()
    }
}

/// Whether two samples have the same inputs, with rows of the same extents.
fn is_like(one: &Sample, other: &Sample) -> bool {
    one.inputs.len() == other.inputs.len()
        && one
            .inputs
            .iter()
            .zip(&other.inputs)
            .all(|((a, left), (b, right))| {
                a == b && left.shape().get(1..) == right.shape().get(1..)
            })
}

/// The extents of the open dimensions of inputs, as these tensors have them; the batch too.
pub fn extents_of<'a>(
    specs: &'a [TensorSpec],
    inputs: &[(String, TensorData)],
) -> BTreeMap<&'a str, usize> {
    let mut extents = BTreeMap::new();
    for spec in specs {
        let Some((_, tensor)) = inputs.iter().find(|(name, _)| *name == spec.name) else {
            continue;
        };
        let dims = spec.dims.iter().flatten().zip(tensor.shape().iter());
        for (dim, &extent) in dims {
            if let Dim::Symbolic(symbol) = dim {
                extents.insert(symbol.as_str(), extent);
            }
        }
    }
    extents
}
