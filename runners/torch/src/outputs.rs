//! What a run gave: named tensors of libtorch become the outputs of a signature, and a signature becomes known by them.

use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_runners::RunError;
use nav_runners::tensor::{Outputs, Tensor, TensorDesc};

use crate::dtype::{dtype_of, kind_of};
use crate::memory::{own_bytes, shape_of};
use crate::model::failed;

/// The outputs in the order of the signature. What operators of another precision gave is turned into what is declared.
pub(crate) fn tensors(
    runner: &str,
    signature: &Signature,
    given: Vec<(String, tch::Tensor)>,
) -> Result<Outputs, RunError> {
    let mut outputs = Outputs::new();
    for (name, tensor) in given {
        let Some((index, spec)) = signature.output(&name) else {
            let text =
                format!("it gave an output `{name}`, which it did not when it was first run");
            return Err(failed(runner, &text));
        };
        let tensor = as_declared(runner, spec, tensor)?;
        let shape = shape_of(&tensor);
        let bytes = own_bytes(tensor);
        outputs.push(Tensor {
            desc: TensorDesc {
                index,
                dtype: spec.dtype,
                shape,
                byte_size: bytes.len(),
            },
            bytes,
        });
    }
    outputs.sort_by_key(|output| output.desc.index);
    Ok(outputs)
}

fn as_declared(
    runner: &str,
    spec: &TensorSpec,
    tensor: tch::Tensor,
) -> Result<tch::Tensor, RunError> {
    let found = kind(runner, &spec.name, &tensor)?;
    if dtype_of(found) == Some(spec.dtype) {
        return Ok(tensor);
    }
    let wanted = kind_of(spec.dtype).filter(|_| {
        let is_float = dtype_of(found).is_some_and(DType::is_float);
        is_float && spec.dtype.is_float()
    });
    let Some(wanted) = wanted else {
        let text = format!(
            "output `{}` is {found:?}, expected {}",
            spec.name, spec.dtype
        );
        return Err(failed(runner, &text));
    };
    let converted = tensor.f_to_kind(wanted);
    converted.map_err(|error| failed(runner, &error))
}

fn kind(runner: &str, name: &str, tensor: &tch::Tensor) -> Result<tch::Kind, RunError> {
    let kind = tensor.f_kind();
    kind.map_err(|error| failed(runner, &format!("output `{name}`: {error}")))
}

/// What a run tells of the outputs: names, types, and how many dimensions there are.
pub(crate) fn specs(
    runner: &str,
    given: &[(String, tch::Tensor)],
) -> Result<Vec<TensorSpec>, RunError> {
    if given.is_empty() {
        return Err(failed(runner, &"it gives no tensor"));
    }
    let specs = given.iter().map(|(name, tensor)| {
        let kind = kind(runner, name, tensor)?;
        let dtype = dtype_of(kind).ok_or_else(|| {
            let text = format!("output `{name}` is {kind:?}, which cannot be handed on");
            failed(runner, &text)
        })?;
        Ok(TensorSpec {
            name: name.clone(),
            dtype,
            dims: Some(vec![Dim::Unknown; tensor.dim()]),
            optional: false,
        })
    });
    specs.collect()
}
