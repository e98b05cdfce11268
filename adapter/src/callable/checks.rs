//! Whether what a callable gave can be the answer to a request: always what would be no answer at all, and everything
//! that was declared where a model is strict.

use std::sync::Arc;

use nav_engine::{Call, Response, Tensor, TensorDesc};
use nav_package_format::{Signature, TensorSpec};

use super::outputs::{Arrays, Outputs};
use crate::array::Array;
use crate::failure::Failure;

/// What a model was declared to give.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) model: Arc<str>,
    pub(super) signature: Signature,
    pub(super) is_strict: bool,
    /// Whether the first dimension of every output is that of the batch.
    pub(super) is_batched: bool,
    pub(super) is_decoupled: bool,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    outputs: Vec<usize>,
    rows: usize,
}

impl Asked {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            outputs: call.outputs().to_vec(),
            rows: call.rows(),
        }
    }

    fn wants(&self, index: usize) -> bool {
        self.outputs.is_empty() || self.outputs.contains(&index)
    }
}

impl Declared {
    /// A failure of this model, whose clients may ask several.
    pub(super) fn fault(&self, what: &str) -> Failure {
        Failure::new(format!("model `{}`: {what}", self.model))
    }

    /// The response that these outputs are.
    pub(super) fn response(&self, outputs: Outputs, asked: &Asked) -> Result<Response, Failure> {
        let mut found = self.placed(outputs.arrays)?;
        found.sort_by_key(|(index, _)| *index);
        for pair in found.windows(2) {
            if let [(one, _), (other, _)] = pair
                && one == other
            {
                return Err(self.fault(&format!("output `{}` was given twice", self.name(*one))));
            }
        }
        for (index, array) in &found {
            self.check(*index, array, asked.rows)?;
        }
        self.check_all(&found, asked)?;
        let wanted = found.into_iter().filter(|(index, _)| asked.wants(*index));
        let tensors = wanted.map(|(index, array)| {
            let (dtype, shape, bytes) = array.into_parts();
            let desc = TensorDesc {
                index,
                dtype,
                shape,
                byte_size: bytes.len(),
            };
            Tensor { desc, bytes }
        });
        let mut response = Response::new(tensors);
        response.parameters = outputs.parameters;
        Ok(response)
    }

    fn specs(&self) -> &[TensorSpec] {
        &self.signature.outputs
    }

    fn name(&self, index: usize) -> &str {
        self.specs().get(index).map_or("", |spec| &spec.name)
    }

    /// Each array with its place in the signature.
    fn placed(&self, arrays: Arrays) -> Result<Vec<(usize, Array)>, Failure> {
        match arrays {
            Arrays::Ordered(ordered) => {
                let (found, declared) = (ordered.len(), self.specs().len());
                if found != declared {
                    let text = format!("it gave {found} outputs in order, and has {declared}");
                    return Err(self.fault(&text));
                }
                Ok(ordered.into_iter().enumerate().collect())
            }
            Arrays::Named(arrays) => {
                let place = |(name, array): (Box<str>, Array)| {
                    let found = self.signature.output(&name);
                    let (index, _) = found.ok_or_else(|| self.undeclared(&name))?;
                    Ok((index, array))
                };
                arrays.into_iter().map(place).collect()
            }
        }
    }

    fn undeclared(&self, name: &str) -> Failure {
        let declared: Vec<&str> = self.specs().iter().map(|it| it.name.as_str()).collect();
        let declared = declared.join("`, `");
        self.fault(&format!(
            "it gave an output `{name}`, and declares `{declared}`"
        ))
    }

    fn check(&self, index: usize, array: &Array, rows: usize) -> Result<(), Failure> {
        let Some(spec) = self.specs().get(index) else {
            return Ok(());
        };
        let (name, shape) = (&spec.name, array.shape());
        // Responses of which there are several may have any rows, unless that was to be checked.
        let has_rows = self.is_batched && (self.is_strict || !self.is_decoupled);
        if has_rows && array.rows() != Some(rows) {
            let text =
                format!("output `{name}` has shape {shape}, and its request has {rows} rows");
            return Err(self.fault(&text));
        }
        if !self.is_strict {
            return Ok(());
        }
        if array.dtype() != spec.dtype {
            let (found, declared) = (array.dtype(), spec.dtype);
            let text = format!("output `{name}` is {found}, and declared as {declared}");
            return Err(self.fault(&text));
        }
        if !spec.admits(shape) {
            let declared = spec.dims_text();
            let text = format!("output `{name}` has shape {shape}, and is declared as {declared}");
            return Err(self.fault(&text));
        }
        Ok(())
    }

    /// Whether what must be there is: outputs that are asked for by name, and all that are wanted of a strict model.
    fn check_all(&self, found: &[(usize, Array)], asked: &Asked) -> Result<(), Failure> {
        let is_there = |index: usize| found.iter().any(|(known, _)| *known == index);
        let must_be =
            |index: usize| asked.outputs.contains(&index) || (self.is_strict && asked.wants(index));
        let missing = (0..self.specs().len()).find(|index| must_be(*index) && !is_there(*index));
        missing.map_or(Ok(()), |index| {
            Err(self.fault(&format!("it gave no output `{}`", self.name(index))))
        })
    }
}
