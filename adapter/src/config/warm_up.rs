//! Requests that a model must answer before it is ready, as they are declared.

use std::collections::BTreeMap;

use nav_engine::{Filling, Request};
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

/// The most requests, all of them together.
const MOST_REQUESTS: usize = 1024;

/// The requests of these samples, each as often as it says.
pub(crate) fn requests(
    samples: &[ModelWarmup],
    signature: &Signature,
    max_batch: usize,
) -> Result<Vec<Request>, ModelFault> {
    let mut requests = Vec::new();
    for sample in samples {
        let field = format!("model_warmup[{}]", sample.name);
        let rows = match (max_batch, sample.batch_size) {
            (0, 0 | 1) => None,
            (most, rows) if rows > most => {
                let reason = format!("{rows} is more than the model's batches have, {most}");
                return Err(ModelFault::new(format!("{field}.batch_size"), reason));
            }
            (_, rows) => Some(rows.max(1)),
        };
        let mut request = Request::new();
        for (name, input) in &sample.inputs {
            let refuse =
                |reason: String| ModelFault::new(format!("{field}.inputs[{name}]"), reason);
            if signature.input(name).is_none() {
                return Err(refuse("the model has no such input".to_owned()));
            }
            let array = input.array(rows).map_err(refuse)?;
            let (shape, bytes) = (array.shape().clone(), array.bytes().clone());
            request = request.with_input(name.as_str(), array.dtype(), shape, bytes);
        }
        let times = sample.count.max(1);
        if requests.len().saturating_add(times) > MOST_REQUESTS {
            let reason = format!("there can be {MOST_REQUESTS} requests at the most");
            return Err(ModelFault::new(format!("{field}.count"), reason));
        }
        requests.extend(std::iter::repeat_n(request, times));
    }
    Ok(requests)
}

impl WarmupInput {
    fn array(&self, rows: Option<usize>) -> Result<Array, String> {
        let filled = |filling: Filling, dtype: DType, extents: &[usize]| {
            let extents = extents.iter().copied();
            let shape = Shape::new(rows.into_iter().chain(extents));
            let bytes = filling.bytes(dtype, &shape)?;
            Ok(Array::known(dtype, shape, bytes.into()))
        };
        match self {
            Self::Zeros(dtype, extents) => filled(Filling::Zeros, *dtype, extents),
            Self::Random(dtype, extents) => filled(Filling::Numbers, *dtype, extents),
            Self::Elements(array) => {
                Ok(rows.map_or_else(|| array.clone(), |it| array.repeated(it)))
            }
        }
    }
}
