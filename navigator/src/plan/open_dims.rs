//! Which axis is the batch, and what extents the other open dimensions have.
//!
//! The rule for the batch: every input and every output has an open first dimension, all the names among them
//! are one name, and that name is not one that means something else, as `sequence` does. What the rule takes
//! for a batch is put to the proof later: outputs must have as many rows as inputs.

use std::collections::{BTreeMap, BTreeSet};

use nav_package_format::{Dim, Signature, TensorSpec};

use super::error::PlanError;
use crate::optimize::DimRange;
use crate::samples::DimensionError;

/// Names of dimensions that mean the batch wherever they stand.
const BATCH_NAMES: &[&str] = &["batch", "batch_size", "batchsize", "bs", "n", "b"];

/// Parts of names, and the extents that such a dimension usually has.
const GUESSES: &[(&str, DimRange)] = &[
    ("seq", DimRange { min: 8, max: 128 }),
    ("len", DimRange { min: 8, max: 128 }),
    ("token", DimRange { min: 8, max: 128 }),
    ("time", DimRange { min: 8, max: 128 }),
    ("height", DimRange { min: 224, max: 224 }),
    ("width", DimRange { min: 224, max: 224 }),
];

/// The open dimensions of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenDims {
    /// The axis along which inputs and outputs may be batched.
    pub(super) batch_axis: Option<usize>,
    /// The smallest and largest batch, where the user said so.
    pub(super) batch_range: Option<DimRange>,
    /// The ranges of the other dimensions, by name.
    pub(super) ranges: BTreeMap<String, DimRange>,
}

impl OpenDims {
    /// The open dimensions of a model, with what the user said of them. With samples of the user's own,
    /// nothing need be known of dimensions other than the batch.
    pub(super) fn of(
        signature: &Signature,
        given: &BTreeMap<String, DimRange>,
        has_samples: bool,
    ) -> Result<Self, PlanError> {
        let batch = Batch::of(signature);
        let names: BTreeSet<&str> = signature.inputs.iter().flat_map(symbols).collect();
        check_known(given, &names)?;
        let is_batch = |name: &str| {
            batch
                .as_ref()
                .is_some_and(|batch| batch.name.as_deref() == Some(name))
        };
        let mut open = Self {
            batch_axis: batch.is_some().then_some(0),
            ..Self::default()
        };
        let mut unknown = Vec::new();
        for name in names {
            let range = given.get(name).copied();
            if is_batch(name) {
                open.batch_range = range;
                continue;
            }
            match range.or_else(|| guess(name)) {
                Some(range) => {
                    open.ranges.insert(name.to_owned(), range);
                }
                None => unknown.push(name.to_owned()),
            }
        }
        if has_samples {
            return Ok(open);
        }
        if !unknown.is_empty() {
            return Err(PlanError::OpenDimensions { names: unknown });
        }
        check_named(signature, open.batch_axis)?;
        Ok(open)
    }
}

/// The dimension that is the batch.
#[derive(Debug, PartialEq, Eq)]
struct Batch {
    /// Its name, where it has one.
    name: Option<String>,
}

impl Batch {
    /// The batch of a model, if it has one.
    fn of(signature: &Signature) -> Option<Self> {
        if signature.inputs.is_empty() || signature.outputs.is_empty() {
            return None;
        }
        let mut name: Option<&str> = None;
        for spec in signature.inputs.iter().chain(&signature.outputs) {
            match spec.dims.as_ref()?.first()? {
                Dim::Fixed(_) => return None,
                Dim::Unknown => {}
                Dim::Symbolic(symbol) => match name {
                    Some(known) if known != symbol => return None,
                    _ => name = Some(symbol),
                },
            }
        }
        // Where every tensor starts with it, a name that says nothing is the batch too.
        let means_something_else =
            name.is_some_and(|name| !is_batch_like(name) && guess(name).is_some());
        (!means_something_else).then(|| Self {
            name: name.map(str::to_owned),
        })
    }
}

pub(crate) fn is_batch_like(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    BATCH_NAMES.contains(&name.as_str()) || name.contains("batch") || name.starts_with("unk__")
}

/// The usual extents of a dimension of this name.
pub(crate) fn guess(name: &str) -> Option<DimRange> {
    let name = name.to_ascii_lowercase();
    if is_batch_like(&name) {
        // A batch that cannot be batched along: one sample.
        return Some(DimRange { min: 1, max: 1 });
    }
    let known = GUESSES.iter().find(|(part, _)| name.contains(part));
    known.map(|&(_, range)| range)
}

fn symbols(spec: &TensorSpec) -> impl Iterator<Item = &str> {
    spec.dims.iter().flatten().filter_map(|dim| match dim {
        Dim::Symbolic(name) => Some(name.as_str()),
        Dim::Fixed(_) | Dim::Unknown => None,
    })
}

fn check_known(
    given: &BTreeMap<String, DimRange>,
    names: &BTreeSet<&str>,
) -> Result<(), DimensionError> {
    let unknown: Vec<String> = given
        .keys()
        .filter(|name| !names.contains(name.as_str()))
        .cloned()
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(DimensionError::Unknown {
        unknown,
        known: names.iter().map(|&name| name.to_owned()).collect(),
    })
}

/// Open dimensions without a name can only be the batch.
fn check_named(signature: &Signature, batch_axis: Option<usize>) -> Result<(), PlanError> {
    for spec in &signature.inputs {
        let nameless = match &spec.dims {
            None => true,
            Some(dims) => dims
                .iter()
                .enumerate()
                .any(|(axis, dim)| *dim == Dim::Unknown && Some(axis) != batch_axis),
        };
        if nameless {
            return Err(PlanError::NamelessDimensions {
                input: spec.name.clone(),
                dims: spec.dims_text(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;
    use nav_package_format::onnx::build;

    use super::*;

    fn spec(name: &str, dims: &str) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(build::dims(dims)),
            optional: false,
        }
    }

    fn signature(inputs: &[&str], outputs: &[&str]) -> Signature {
        Signature {
            inputs: inputs.iter().map(|dims| spec("x", dims)).collect(),
            outputs: outputs.iter().map(|dims| spec("y", dims)).collect(),
        }
    }

    #[test]
    fn the_batch_is_an_open_first_axis_of_one_name_everywhere() {
        let check = |inputs: &[&str], outputs: &[&str], expected: Option<Option<&str>>| {
            let found = Batch::of(&signature(inputs, outputs));
            let expected = expected.map(|name| Batch {
                name: name.map(str::to_owned),
            });
            assert_eq!(found, expected, "{inputs:?} {outputs:?}");
        };
        check(&["batch,3"], &["batch,2"], Some(Some("batch")));
        check(&["?,3"], &["?,2"], Some(None));
        check(&["?,3"], &["N,2"], Some(Some("N")));
        check(&["foo,3", "foo,4"], &["foo"], Some(Some("foo")));
        check(&["batch,3"], &["1,2"], None);
        check(&["batch,3", "2,3"], &["batch,2"], None);
        check(&["batch,3"], &["boxes,2"], None);
        check(&["sequence,3"], &["sequence,3"], None);
        check(
            &["batch_sequence,3"],
            &["batch_sequence,3"],
            Some(Some("batch_sequence")),
        );
    }

    #[test]
    fn what_cannot_be_guessed_is_asked_for_by_name() {
        let check = |inputs: &[&str], given: &[(&str, &str)], expected: Result<&str, &str>| {
            let given = given
                .iter()
                .map(|(name, range)| ((*name).to_owned(), range.parse().unwrap()))
                .collect();
            let found = OpenDims::of(&signature(inputs, &["batch,2"]), &given, false);
            let found =
                found.map(|open| format!("{:?}", open.ranges.into_values().collect::<Vec<_>>()));
            let found = found.map_err(|error| error.to_string());
            assert_eq!(
                found.as_deref().map_err(String::as_str),
                expected.as_ref().copied().map_err(|e| *e)
            );
        };
        check(&["batch,3"], &[], Ok("[]"));
        check(
            &["batch,seq_len"],
            &[],
            Ok("[DimRange { min: 8, max: 128 }]"),
        );
        check(
            &["batch,seq_len"],
            &[("seq_len", "16..32")],
            Ok("[DimRange { min: 16, max: 32 }]"),
        );
        check(
            &["batch,foo,bar"],
            &[("bar", "2")],
            Err("the extents of `foo` cannot be guessed"),
        );
        check(
            &["batch,?"],
            &[],
            Err("input `x` has the shape [batch,?], whose open dimensions have no names"),
        );
        check(
            &["batch,3"],
            &[("foo", "2")],
            Err("no input has the dimensions `foo`; there are `batch`"),
        );
    }
}
