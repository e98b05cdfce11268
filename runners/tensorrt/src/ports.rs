//! What a model takes and gives, in TensorRT's terms and in ours. Pure, but for what an engine was asked.

use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec};
use nav_runners::input::InputError;

use crate::dtype;
use crate::native::{EngineTensor, Extents};

/// The tensors of an engine, in the order of its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) signature: Signature,
    /// One for each input of the signature; none where the engine needs none, as the graph does not use it.
    pub(crate) inputs: Vec<Option<EngineTensor>>,
    pub(crate) outputs: Vec<EngineTensor>,
}

/// Why an engine cannot be run as what it is said to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    /// An element type that no tensor of ours has.
    #[error("cannot handle {dtype} (of `{tensor}`)")]
    DType {
        /// The input or output.
        tensor: String,
        /// TensorRT's name for it.
        dtype: String,
    },
    /// A tensor that is not laid out row by row.
    #[error("`{tensor}` is not laid out row by row")]
    Layout {
        /// The input or output.
        tensor: String,
    },
    /// It takes something that is not declared.
    #[error("the engine takes `{tensor}`, which the model does not")]
    Undeclared {
        /// The input.
        tensor: String,
    },
    /// It does not give something.
    #[error("the engine does not give `{tensor}`")]
    Missing {
        /// The output.
        tensor: String,
    },
    /// It takes or gives it as something else.
    #[error("the engine has `{tensor}` as {found}, the model as {expected}")]
    Differs {
        /// The input or output.
        tensor: String,
        /// Type and extents in the engine.
        found: String,
        /// Type and extents that were declared.
        expected: String,
    },
}

impl Ports {
    /// The tensors of an engine that was made of a model of this signature.
    pub(crate) fn of(tensors: &[EngineTensor], signature: &Signature) -> Result<Self, PortError> {
        let find = |name: &str, is_input| {
            let mut all = tensors.iter();
            all.find(|tensor| tensor.name == name && tensor.is_input == is_input)
        };
        let mut ports = Self {
            signature: signature.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        for spec in &signature.inputs {
            let tensor = find(&spec.name, true);
            if let Some(tensor) = tensor {
                check(tensor, spec)?;
            }
            ports.inputs.push(tensor.cloned());
        }
        for spec in &signature.outputs {
            let tensor = find(&spec.name, false).ok_or_else(|| PortError::Missing {
                tensor: spec.name.clone(),
            })?;
            check(tensor, spec)?;
            ports.outputs.push(tensor.clone());
        }
        let mut inputs = tensors.iter().filter(|tensor| tensor.is_input);
        match inputs.find(|tensor| signature.input(&tensor.name).is_none()) {
            Some(tensor) => Err(PortError::Undeclared {
                tensor: tensor.name.clone(),
            }),
            None => Ok(ports),
        }
    }
}

fn check(tensor: &EngineTensor, spec: &TensorSpec) -> Result<(), PortError> {
    let name = || spec.name.clone();
    let found = dtype::of_number(tensor.dtype).map_err(|dtype| PortError::DType {
        tensor: name(),
        dtype,
    })?;
    if !tensor.is_linear {
        return Err(PortError::Layout { tensor: name() });
    }
    let extents = tensor.extents.as_slice();
    let is_admitted = spec.dims.as_ref().is_none_or(|dims| {
        let mut pairs = dims.iter().zip(extents);
        // What is open in one may be fixed in the other: builders find out more than files say.
        dims.len() == extents.len()
            && pairs.all(|(dim, &extent)| match dim {
                Dim::Fixed(fixed) => extent < 0 || usize::try_from(extent) == Ok(*fixed),
                Dim::Symbolic(_) | Dim::Unknown => true,
            })
    });
    if found == spec.dtype && is_admitted {
        return Ok(());
    }
    Err(PortError::Differs {
        tensor: name(),
        found: format!("{found} {}", text_of(extents)),
        expected: format!("{} {}", spec.dtype, spec.dims_text()),
    })
}

fn text_of(extents: &[i64]) -> String {
    let extents = extents.iter().map(|&extent| {
        let known = u64::try_from(extent).ok();
        known.map_or_else(|| "?".to_owned(), |extent| extent.to_string())
    });
    format!("[{}]", extents.collect::<Vec<_>>().join(","))
}

/// Whether an engine was built for an input of this shape.
pub(crate) fn check_range(
    name: &str,
    shape: &Shape,
    (least, most): &(Extents, Extents),
) -> Result<(), InputError> {
    let (least, most) = (least.as_slice(), most.as_slice());
    let bounds = least.iter().zip(most);
    let is_within = shape.iter().len() == least.len()
        && shape
            .iter()
            .zip(bounds.clone())
            .all(|(&extent, (&low, &high))| {
                i64::try_from(extent).is_ok_and(|extent| (low..=high).contains(&extent))
            });
    if is_within {
        return Ok(());
    }
    let each = bounds.map(|(low, high)| {
        if low == high {
            low.to_string()
        } else {
            format!("{low} to {high}")
        }
    });
    Err(InputError::Shape {
        name: name.to_owned(),
        expected: format!(
            "[{}], which the engine was built for",
            each.collect::<Vec<_>>().join(",")
        ),
        found: shape.clone(),
    })
}

/// The shape of these extents; none while some are open.
pub(crate) fn shape_of(extents: &Extents) -> Option<Shape> {
    let each = extents.as_slice().iter();
    let each: Result<Vec<usize>, _> = each.map(|&extent| usize::try_from(extent)).collect();
    Some(Shape::new(each.ok()?))
}

/// What a tensor of this type and shape takes.
pub(crate) fn bytes_of(dtype: DType, shape: &Shape) -> Option<usize> {
    shape.byte_size(dtype).ok().flatten()
}

#[cfg(test)]
mod tests {
    use nav_package_format::onnx::build::dims;

    use super::*;

    fn spec(name: &str, dtype: DType, text: &str) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            dtype,
            dims: Some(dims(text)),
            optional: false,
        }
    }

    fn tensor(name: &str, dtype: i32, extents: &[i64], is_input: bool) -> EngineTensor {
        EngineTensor {
            name: name.to_owned(),
            c_name: std::ffi::CString::new(name).unwrap(),
            dtype,
            extents: Extents::new(extents).unwrap(),
            is_input,
            is_on_host: false,
            is_linear: true,
        }
    }

    fn signature() -> Signature {
        Signature {
            inputs: vec![
                spec("x", DType::Fp32, "batch,3"),
                spec("unused", DType::Fp32, "batch"),
            ],
            outputs: vec![spec("y", DType::Int64, "batch,?")],
        }
    }

    #[test]
    fn tensors_are_found_by_name_and_unused_inputs_are_nowhere() {
        let tensors = [
            tensor("y", 8, &[-1, 2], false),
            tensor("x", 0, &[-1, 3], true),
        ];
        let ports = Ports::of(&tensors, &signature()).unwrap();
        assert_eq!(ports.inputs, [Some(tensors[1].clone()), None]);
        assert_eq!(ports.outputs, [tensors[0].clone()]);
    }

    #[test]
    fn an_engine_of_another_model_is_told_apart() {
        let good = [
            tensor("x", 0, &[-1, 3], true),
            tensor("y", 8, &[-1, 2], false),
        ];
        let check = |changed: EngineTensor, expected: &str| {
            let mut tensors: Vec<EngineTensor> = good.to_vec();
            tensors.retain(|tensor| tensor.name != changed.name);
            tensors.push(changed);
            let error = Ports::of(&tensors, &signature()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(
            tensor("x", 1, &[-1, 3], true),
            "the engine has `x` as FP16 [?,3], the model as FP32 [batch,3]",
        );
        check(
            tensor("x", 0, &[-1, 4], true),
            "the engine has `x` as FP32 [?,4], the model as FP32 [batch,3]",
        );
        check(
            tensor("x", 0, &[-1], true),
            "the engine has `x` as FP32 [?], the model as FP32 [batch,3]",
        );
        check(tensor("x", 6, &[-1, 3], true), "cannot handle FP8 (of `x`)");
        check(
            tensor("z", 0, &[1], true),
            "the engine takes `z`, which the model does not",
        );
        let none = Ports::of(&good[..1], &signature()).unwrap_err();
        assert_eq!(none.to_string(), "the engine does not give `y`");
        let vectors = EngineTensor {
            is_linear: false,
            ..good[0].clone()
        };
        check(vectors, "`x` is not laid out row by row");
    }

    #[test]
    fn shapes_outside_of_what_an_engine_was_built_for_are_named_with_it() {
        let range = (
            Extents::new(&[1, 3]).unwrap(),
            Extents::new(&[8, 3]).unwrap(),
        );
        let check = |shape: &[usize], expected: Option<&str>| {
            let found = check_range("x", &Shape::new(shape.iter().copied()), &range);
            let found = found.map_err(|error| error.to_string()).err();
            assert_eq!(found.as_deref(), expected);
        };
        check(&[1, 3], None);
        check(&[8, 3], None);
        check(
            &[9, 3],
            Some("input `x` has shape [9,3], expected [1 to 8,3], which the engine was built for"),
        );
        check(
            &[0, 3],
            Some("input `x` has shape [0,3], expected [1 to 8,3], which the engine was built for"),
        );
        check(
            &[4],
            Some("input `x` has shape [4], expected [1 to 8,3], which the engine was built for"),
        );
    }
}
