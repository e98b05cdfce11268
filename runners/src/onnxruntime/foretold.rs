//! The shapes of outputs before a run: those that follow from the shapes of the inputs.

use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec};
use smallvec::SmallVec;

use crate::tensor::TensorDesc;

/// From how many bytes on an output is large.
const LARGE: usize = 8 << 20;

/// The shape of an output as it follows from those of the inputs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Foretold {
    dtype: DType,
    extents: Vec<Extent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Fixed(usize),
    /// That of an input.
    OfInput {
        index: usize,
        axis: usize,
    },
}

/// Why runs of a model cannot be recorded by the device: what they give must be known before they run, and be numbers.
pub(super) fn objection_to_recording(
    signature: &Signature,
    foretold: &[(usize, Foretold)],
) -> Option<String> {
    let mut all = signature.inputs.iter().chain(&signature.outputs);
    if let Some(strings) = all.find(|spec| spec.dtype == DType::Bytes) {
        return Some(format!("`{}` is of byte strings", strings.name));
    }
    let mut outputs = signature.outputs.iter().enumerate();
    let unknown = outputs.find(|(index, _)| !foretold.iter().any(|(known, _)| known == index));
    unknown.map(|(_, spec)| {
        format!(
            "the shape of `{}` does not follow from those of inputs",
            spec.name
        )
    })
}

/// The outputs of which it is known what their shapes follow from, each with its position.
pub(super) fn outputs(signature: &Signature) -> Vec<(usize, Foretold)> {
    let foretold = |(index, output): (usize, &TensorSpec)| {
        let dims = output.dims.as_ref()?;
        let extents = dims.iter().map(|dim| extent(dim, &signature.inputs));
        let foretold = Foretold {
            dtype: output.dtype,
            extents: extents.collect::<Option<_>>()?,
        };
        Some((index, foretold))
    };
    let outputs = signature.outputs.iter().enumerate();
    outputs.filter_map(foretold).collect()
}

fn extent(dim: &Dim, inputs: &[TensorSpec]) -> Option<Extent> {
    match dim {
        Dim::Fixed(extent) => Some(Extent::Fixed(*extent)),
        Dim::Unknown => None,
        Dim::Symbolic(_) => inputs.iter().enumerate().find_map(|(index, input)| {
            let mut dims = input.dims.iter().flatten();
            let axis = dims.position(|other| other == dim)?;
            Some(Extent::OfInput { index, axis })
        }),
    }
}

impl Foretold {
    /// What this output will be for these inputs, if it will be large.
    pub(super) fn large(&self, inputs: &[TensorDesc]) -> Option<(DType, Shape)> {
        let size = self.dtype.element_size()?;
        let (dtype, shape) = self.follows_from(inputs)?;
        let bytes = shape.element_count().ok()?.checked_mul(size)?;
        (bytes >= LARGE).then_some((dtype, shape))
    }

    /// What this output will be for these inputs.
    pub(super) fn follows_from(&self, inputs: &[TensorDesc]) -> Option<(DType, Shape)> {
        let extents = self.extents.iter().map(|extent| match *extent {
            Extent::Fixed(extent) => Some(extent),
            Extent::OfInput { index, axis } => {
                let input = inputs.iter().find(|input| input.index == index)?;
                input.shape.get(axis).copied()
            }
        });
        let extents: SmallVec<[usize; 8]> = extents.collect::<Option<_>>()?;
        Some((self.dtype, Shape::from(extents.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, dims: Option<Vec<Dim>>) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims,
            optional: false,
        }
    }

    #[test]
    fn shapes_follow_from_fixed_dimensions_and_from_those_of_inputs() {
        let symbol = |name: &str| Dim::Symbolic(name.to_owned());
        let wide = Dim::Fixed(1 << 20);
        let signature = Signature {
            inputs: vec![spec("x", Some(vec![symbol("n"), wide.clone()]))],
            outputs: vec![
                spec("same", Some(vec![symbol("n"), wide.clone()])),
                spec("other", Some(vec![symbol("m"), wide.clone()])),
                spec("open", Some(vec![Dim::Unknown, wide])),
                spec("unknown", None),
            ],
        };
        let foretold = outputs(&signature);
        let known: Vec<usize> = foretold.iter().map(|(index, _)| *index).collect();
        assert_eq!(known, [0]);
        let objection = objection_to_recording(&signature, &foretold);
        let why = "the shape of `other` does not follow from those of inputs";
        assert_eq!(objection.as_deref(), Some(why));
        let fixed = Signature {
            inputs: signature.inputs.clone(),
            outputs: signature.outputs[..1].to_vec(),
        };
        assert_eq!(objection_to_recording(&fixed, &foretold), None);
        let mut strings = fixed;
        strings.inputs[0].dtype = DType::Bytes;
        let objection = objection_to_recording(&strings, &foretold);
        assert_eq!(objection.as_deref(), Some("`x` is of byte strings"));
        let check = |rows: usize, expected: Option<&[usize]>| {
            let shape = Shape::from([rows, 1 << 20]);
            let input = TensorDesc {
                index: 0,
                dtype: DType::Fp32,
                byte_size: 4 * shape.element_count().unwrap(),
                shape,
            };
            let found = foretold[0].1.large(&[input]);
            let found = found.map(|(_, shape)| shape.to_vec());
            assert_eq!(found.as_deref(), expected);
        };
        check(1, None);
        check(2, Some(&[2, 1 << 20]));
    }
}
