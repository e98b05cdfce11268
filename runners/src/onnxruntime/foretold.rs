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
        let extents = self.extents.iter().map(|extent| match *extent {
            Extent::Fixed(extent) => Some(extent),
            Extent::OfInput { index, axis } => {
                let input = inputs.iter().find(|input| input.index == index)?;
                input.shape.get(axis).copied()
            }
        });
        let extents: SmallVec<[usize; 8]> = extents.collect::<Option<_>>()?;
        let shape = Shape::from(extents.as_slice());
        let bytes = shape.element_count().ok()?.checked_mul(size)?;
        (bytes >= LARGE).then_some((self.dtype, shape))
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
