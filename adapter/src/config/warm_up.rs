//! Requests that a model must answer before it is ready, as they are declared.

use std::collections::BTreeMap;

use bytes::Bytes;
use nav_engine::{Filling, Request, WarmUp, WarmUpSample, WarmUpTensor};
use nav_package_format::{DType, Shape, Signature};

use super::model::ModelFault;
use crate::array::Array;

/// A request that a model must answer before it is ready.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelWarmup {
    /// What it is called, for people.
    pub name: String,
    /// How many rows it has; 0 where the model has no batches.
    pub batch_size: usize,
    /// What is in its inputs.
    pub inputs: BTreeMap<String, WarmupInput>,
    /// How often it is asked; at least once.
    pub count: usize,
}

/// What is in an input.
#[derive(Clone, Debug, PartialEq)]
pub enum WarmupInput {
    /// Zeros of this type and of these extents, without that of the batch.
    Zeros(DType, Vec<usize>),
    /// Numbers of this type and of these extents, the same each time; empty texts.
    Random(DType, Vec<usize>),
    /// These elements in every row, without the dimension of the batch.
    Elements(Array),
}

/// The requests of these samples, each as often as it says.
pub(crate) fn requests(
    samples: &[ModelWarmup],
    signature: &Signature,
    max_batch: usize,
) -> Result<Vec<Request>, ModelFault> {
    let mut warm_up = WarmUp::new(signature, max_batch);
    for sample in samples {
        let inputs = sample.inputs.iter().map(|(name, input)| WarmUpTensor {
            name,
            dtype: Some(input.dtype()),
            make: |_, rows| input.elements(rows),
        });
        let added = warm_up.add(WarmUpSample {
            batch_size: sample.batch_size,
            count: sample.count,
            inputs: inputs.collect(),
        });
        added.map_err(|fault| {
            let field = format!("model_warmup[{}].{}", sample.name, fault.field);
            ModelFault::new(field, fault.reason)
        })?;
    }
    Ok(warm_up.into_requests())
}

impl WarmupInput {
    const fn dtype(&self) -> DType {
        match self {
            Self::Zeros(dtype, _) | Self::Random(dtype, _) => *dtype,
            Self::Elements(array) => array.dtype(),
        }
    }

    /// Its shape and its elements for so many rows.
    fn elements(&self, rows: Option<usize>) -> Result<(Shape, Bytes), String> {
        let filled = |filling: Filling, dtype: DType, extents: &[usize]| {
            let extents = extents.iter().copied();
            let shape = Shape::new(rows.into_iter().chain(extents));
            let bytes = filling.bytes(dtype, &shape)?;
            Ok((shape, bytes.into()))
        };
        match self {
            Self::Zeros(dtype, extents) => filled(Filling::Zeros, *dtype, extents),
            Self::Random(dtype, extents) => filled(Filling::Numbers, *dtype, extents),
            Self::Elements(array) => {
                let array = rows.map_or_else(|| array.clone(), |rows| array.repeated(rows));
                let (_, shape, bytes) = array.into_parts();
                Ok((shape, bytes))
            }
        }
    }
}
