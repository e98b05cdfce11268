//! Requests that a model must answer before it is ready, put together of samples, and checked while it can still be said
//! what is wrong with them. What is in their inputs is made by whoever describes them.

use bytes::Bytes;
use nav_package_format::{DType, Shape, Signature, TensorSpec};

use crate::request::Request;

/// The most requests, those of all samples together.
const MOST_REQUESTS: usize = 1024;

/// The requests of samples, as they are put together.
#[derive(Debug)]
pub struct WarmUp<'a> {
    signature: &'a Signature,
    max_batch: usize,
    requests: Vec<Request>,
}

/// A sample.
#[derive(Clone, Debug)]
pub struct WarmUpSample<I> {
    /// How many rows it has; 0 is 1, and none where the model has no batches.
    pub batch_size: usize,
    /// How often it is asked; at least once.
    pub count: usize,
    /// Its inputs.
    pub inputs: Vec<I>,
}

/// An input of a sample.
#[derive(Clone, Debug)]
pub struct WarmUpTensor<'a, F> {
    /// Its name.
    pub name: &'a str,
    /// The type of its elements, where there is such a type.
    pub dtype: Option<DType>,
    /// Its shape and its elements, of that type and for so many rows, or why there are none.
    pub make: F,
}

/// Why a sample is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct WarmUpFault {
    /// What of it is wrong.
    pub field: String,
    /// What is wrong with that.
    pub reason: String,
}

impl<'a> WarmUp<'a> {
    /// No requests yet, to a model that takes this and whose batches have at most so many rows; 0 for no batches.
    pub const fn new(signature: &'a Signature, max_batch: usize) -> Self {
        Self {
            signature,
            max_batch,
            requests: Vec::new(),
        }
    }

    /// All requests, each as often as it is asked.
    pub fn into_requests(self) -> Vec<Request> {
        self.requests
    }

    /// Adds the requests of a sample.
    pub fn add<F>(&mut self, sample: WarmUpSample<WarmUpTensor<'_, F>>) -> Result<(), WarmUpFault>
    where
        F: FnOnce(DType, Option<usize>) -> Result<(Shape, Bytes), String>,
    {
        let rows = self
            .rows(sample.batch_size)
            .map_err(|reason| WarmUpFault::new("batch_size", reason))?;
        let times = sample.count.max(1);
        if self.requests.len().saturating_add(times) > MOST_REQUESTS {
            let reason = format!("there can be {MOST_REQUESTS} requests at the most");
            return Err(WarmUpFault::new("count", reason));
        }
        let is_given = |spec: &TensorSpec| sample.inputs.iter().any(|it| it.name == spec.name);
        let mut needed = self.signature.inputs.iter().filter(|spec| !spec.optional);
        let missing = needed.find(|spec| !is_given(spec));
        let mut request = Request::new();
        for input in sample.inputs {
            let name = input.name;
            let made = self.tensor(input, rows);
            let (dtype, shape, bytes) =
                made.map_err(|reason| WarmUpFault::new(format!("inputs[{name}]"), reason))?;
            request = request.with_input(name, dtype, shape, bytes);
        }
        if let Some(missing) = missing {
            let reason = format!("input `{}` is missing", missing.name);
            return Err(WarmUpFault::new("inputs", reason));
        }
        self.requests.extend(std::iter::repeat_n(request, times));
        Ok(())
    }

    /// The rows of a request, where the model has batches.
    fn rows(&self, batch_size: usize) -> Result<Option<usize>, String> {
        match (self.max_batch, batch_size) {
            (0, 0 | 1) => Ok(None),
            (0, _) => Err("the model has no batches".to_owned()),
            (most, rows) if rows > most => {
                Err(format!("{rows} is more than max_batch_size, {most}"))
            }
            (_, rows) => Ok(Some(rows.max(1))),
        }
    }

    fn tensor<F>(
        &self,
        input: WarmUpTensor<'_, F>,
        rows: Option<usize>,
    ) -> Result<(DType, Shape, Bytes), String>
    where
        F: FnOnce(DType, Option<usize>) -> Result<(Shape, Bytes), String>,
    {
        let Some((_, spec)) = self.signature.input(input.name) else {
            return Err("the model has no such input".to_owned());
        };
        if input.dtype != Some(spec.dtype) {
            return Err(format!("its type is not {}", spec.dtype));
        }
        let (shape, bytes) = (input.make)(spec.dtype, rows)?;
        if !spec.admits(&shape) {
            let declared = spec.dims_text();
            return Err(format!("its shape is {shape}, and not {declared}"));
        }
        Ok((spec.dtype, shape, bytes))
    }
}

impl WarmUpFault {
    fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::Dim;

    use super::*;

    /// Takes `x`, rows of two, and, where somebody likes, `y`.
    fn signature() -> Signature {
        let spec = |name: &str, optional| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Uint8,
            dims: Some(vec![Dim::Unknown, Dim::Fixed(2)]),
            optional,
        };
        Signature {
            inputs: vec![spec("x", false), spec("y", true)],
            outputs: Vec::new(),
        }
    }

    /// A sample of inputs of so many columns.
    fn made(
        (batch_size, count): (usize, usize),
        inputs: &[(&str, DType, usize)],
    ) -> Result<Vec<Request>, String> {
        let signature = signature();
        let mut warm_up = WarmUp::new(&signature, 4);
        let inputs = inputs.iter().map(|&(name, dtype, columns)| WarmUpTensor {
            name,
            dtype: Some(dtype),
            make: move |_: DType, rows: Option<usize>| {
                let shape = Shape::new(rows.into_iter().chain([columns]));
                let size = shape.element_count().map_err(|error| error.to_string())?;
                Ok((shape, vec![0; size].into()))
            },
        });
        let sample = WarmUpSample {
            batch_size,
            count,
            inputs: inputs.collect(),
        };
        let added = warm_up.add(sample);
        added.map_err(|fault| fault.to_string())?;
        Ok(warm_up.into_requests())
    }

    #[test]
    fn a_sample_is_asked_as_often_as_it_says() {
        let x = ("x", DType::Uint8, 2);
        for ((batch_size, count), (rows, times)) in
            [((3, 2), (3, 2)), ((0, 0), (1, 1)), ((4, 1024), (4, 1024))]
        {
            let requests = made((batch_size, count), &[x]).unwrap();
            assert_eq!(requests.len(), times);
            assert_eq!(requests[0].inputs[0].shape, Shape::from([rows, 2]));
        }
        assert_eq!(made((1, 1), &[x, ("y", DType::Uint8, 2)]).unwrap().len(), 1);
    }

    #[test]
    fn what_the_model_could_not_answer_is_named() {
        let x = ("x", DType::Uint8, 2);
        let check = |numbers, inputs: &[(&str, DType, usize)], expected: &str| {
            assert_eq!(made(numbers, inputs).unwrap_err(), expected);
        };
        check((5, 1), &[x], "batch_size: 5 is more than max_batch_size, 4");
        let many = "count: there can be 1024 requests at the most";
        check((1, 1025), &[x], many);
        check((1, usize::MAX), &[x], many);
        check((1, 1), &[], "inputs: input `x` is missing");
        let y = ("y", DType::Uint8, 2);
        check((1, 1), &[y], "inputs: input `x` is missing");
        let z = ("z", DType::Uint8, 2);
        let unknown = "inputs[z]: the model has no such input";
        check((1, 1), &[x, z], unknown);
        let signed = ("x", DType::Int8, 2);
        check((1, 1), &[signed], "inputs[x]: its type is not UINT8");
        let wide = ("x", DType::Uint8, 3);
        let shape = "inputs[x]: its shape is [2,3], and not [?,2]";
        check((2, 1), &[wide], shape);
    }

    #[test]
    fn a_model_without_batches_is_asked_for_no_rows() {
        let signature = Signature {
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let rows = |batch_size| WarmUp::new(&signature, 0).rows(batch_size);
        assert_eq!([rows(0), rows(1)], [Ok(None), Ok(None)]);
        assert_eq!(rows(2), Err("the model has no batches".to_owned()));
    }
}
