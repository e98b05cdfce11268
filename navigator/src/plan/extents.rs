//! What extents an engine is built for: from what is measured, compared and given. Pure.

use std::collections::BTreeMap;

use nav_package_format::{Dim, Shape, Signature};
use serde::{Deserialize, Serialize};

use crate::optimize::DimRange;

/// The least, the usual and the most extent of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extents {
    /// The least.
    pub least: usize,
    /// What matters most.
    pub usual: usize,
    /// The most.
    pub most: usize,
}

/// The shapes of a user's sample, by input.
pub type SampleShapes = Vec<(String, Shape)>;

impl Extents {
    const fn of_range(range: DimRange) -> Self {
        // Who pads, pads to the most.
        Self {
            least: range.min,
            usual: range.max,
            most: range.max,
        }
    }

    fn of_batches(batches: &[Option<usize>]) -> Option<Self> {
        let batches: Vec<usize> = batches.iter().copied().flatten().collect();
        Some(Self {
            least: *batches.iter().min()?,
            usual: *batches.get(batches.len() / 2)?,
            most: *batches.iter().max()?,
        })
    }

    fn with(self, extent: usize) -> Self {
        Self {
            least: self.least.min(extent),
            usual: self.usual.clamp(self.least, self.most.max(extent)),
            most: self.most.max(extent),
        }
    }

    const fn only(extent: usize) -> Self {
        Self {
            least: extent,
            usual: extent,
            most: extent,
        }
    }
}

/// The extents of the open dimensions of the inputs, by name; one without a name is called by its input and axis, as `x.0`. Dimensions of
/// which nothing is known are left out.
pub(super) fn of(
    signature: &Signature,
    (batch_axis, batches): (Option<usize>, &[Option<usize>]),
    ranges: &BTreeMap<String, DimRange>,
    samples: &[SampleShapes],
) -> BTreeMap<String, Extents> {
    let mut known = BTreeMap::new();
    for input in &signature.inputs {
        for (axis, dim) in input.dims.iter().flatten().enumerate() {
            let name = match dim {
                Dim::Fixed(_) => continue,
                Dim::Symbolic(name) => name.clone(),
                Dim::Unknown => format!("{}.{axis}", input.name),
            };
            let is_batch = batch_axis == Some(axis);
            let planned = if is_batch {
                Extents::of_batches(batches)
            } else {
                ranges.get(&name).copied().map(Extents::of_range)
            };
            let mut found = known.get(&name).copied().or(planned);
            for shape in samples.iter().flatten() {
                if shape.0 == input.name
                    && let Some(&extent) = shape.1.get(axis)
                {
                    found = Some(found.map_or(Extents::only(extent), |found| found.with(extent)));
                }
            }
            if let Some(found) = found {
                known.insert(name, found);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use nav_package_format::onnx::build::dims;
    use nav_package_format::{DType, TensorSpec};

    use super::*;

    fn signature(inputs: &[(&str, &str)]) -> Signature {
        let inputs = inputs.iter().map(|&(name, text)| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims(text)),
            optional: false,
        });
        Signature {
            inputs: inputs.collect(),
            outputs: Vec::new(),
        }
    }

    fn told(
        inputs: &[(&str, &str)],
        batch_axis: Option<usize>,
        ranges: &[(&str, usize, usize)],
        samples: &[&[(&str, &[usize])]],
    ) -> Vec<String> {
        let ranges = ranges
            .iter()
            .map(|&(name, min, max)| (name.to_owned(), DimRange { min, max }));
        let samples: Vec<SampleShapes> = samples
            .iter()
            .map(|sample| {
                let shapes = sample.iter();
                let shape = |shape: &[usize]| Shape::new(shape.iter().copied());
                shapes
                    .map(|&(name, extents)| (name.to_owned(), shape(extents)))
                    .collect()
            })
            .collect();
        let batches = [1, 2, 4, 8, 16, 32].map(Some);
        let found = of(
            &signature(inputs),
            (batch_axis, &batches),
            &ranges.collect(),
            &samples,
        );
        let text = |(name, extents): (&String, &Extents)| {
            format!(
                "{name} {}:{}:{}",
                extents.least, extents.usual, extents.most
            )
        };
        found.iter().map(text).collect()
    }

    #[test]
    fn the_batch_has_what_is_measured_and_other_dimensions_their_ranges() {
        let inputs = [("x", "batch,seq,3"), ("mask", "batch,seq")];
        let found = told(&inputs, Some(0), &[("seq", 8, 128)], &[]);
        assert_eq!(found, ["batch 1:8:32", "seq 8:128:128"]);
    }

    #[test]
    fn dimensions_without_a_name_have_that_of_their_place() {
        let inputs = [("x", "?,3"), ("y", "?,?")];
        let found = told(&inputs, Some(0), &[], &[]);
        assert_eq!(found, ["x.0 1:8:32", "y.0 1:8:32"]);
    }

    #[test]
    fn samples_widen_what_is_planned_and_tell_the_rest() {
        let inputs = [("x", "batch,length,?")];
        let samples: [&[(&str, &[usize])]; 2] =
            [&[("x", &[48, 7, 5])], &[("x", &[1, 9, 5]), ("other", &[2])]];
        let found = told(&inputs, Some(0), &[], &samples);
        assert_eq!(found, ["batch 1:8:48", "length 7:7:9", "x.2 5:5:5"]);
        let found = told(&inputs, None, &[("length", 8, 8)], &samples);
        assert_eq!(found, ["batch 1:48:48", "length 7:8:9", "x.2 5:5:5"]);
    }
}
