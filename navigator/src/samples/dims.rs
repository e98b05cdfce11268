//! Extents for the dimensions that a model leaves open.

use std::collections::{BTreeMap, BTreeSet};

use nav_package_format::{Dim, Shape, Signature, TensorSpec};

/// The extent of a dimension of which nothing is said.
const DEFAULT_EXTENT: usize = 1;

/// Extents by the name of the dimension, as a user gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DimensionValues(BTreeMap<String, usize>);

/// The extents of one model's dimensions: those given, and 1 for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimensions {
    named: BTreeMap<String, usize>,
    batch: usize,
}

/// Why the dimensions of a model cannot be made concrete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DimensionError {
    /// What was given is not `name=extent`.
    #[error("`{text}` is not a dimension's name, `=` and its extent")]
    Malformed {
        /// What was given.
        text: String,
    },
    /// One dimension was given two extents.
    #[error("dimension `{name}` is given twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
    /// Some dimensions were given an extent and no input has them.
    #[error(
        "no input has the dimensions {}; there are {}",
        list(unknown),
        list(known)
    )]
    Unknown {
        /// Those that were given, in order.
        unknown: Vec<String>,
        /// Those that the inputs have, in order.
        known: Vec<String>,
    },
    /// The model does not say how many dimensions an input has.
    #[error(
        "the model does not declare how many dimensions input `{name}` has, so it must be given"
    )]
    UndeclaredRank {
        /// The input's name.
        name: String,
    },
}

impl DimensionValues {
    /// The extents that texts like `batch=4` give.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, DimensionError> {
        let mut values = Self::default();
        for text in texts {
            // Exporters name dimensions after expressions, so only the last sign counts.
            let (name, extent) = text
                .rsplit_once('=')
                .filter(|(name, _)| !name.is_empty())
                .and_then(|(name, extent)| Some((name, extent.parse().ok()?)))
                .ok_or_else(|| DimensionError::Malformed {
                    text: text.to_owned(),
                })?;
            values.insert(name, extent)?;
        }
        Ok(values)
    }

    /// Whether this dimension is given an extent.
    pub fn names(&self, dimension: &str) -> bool {
        self.0.contains_key(dimension)
    }

    /// Adds the extent of one dimension.
    pub fn insert(&mut self, name: &str, extent: usize) -> Result<(), DimensionError> {
        match self.0.insert(name.to_owned(), extent) {
            Some(_) => Err(DimensionError::Duplicate {
                name: name.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

impl Dimensions {
    /// The extents of this model's dimensions when the batch has one element. Every name given must be
    /// that of a dimension of some input.
    pub fn of(signature: &Signature, values: &DimensionValues) -> Result<Self, DimensionError> {
        let known: BTreeSet<&str> = signature.inputs.iter().flat_map(symbols).collect();
        let is_unknown = |name: &&String| !known.contains(name.as_str());
        let unknown: Vec<String> = values.0.keys().filter(is_unknown).cloned().collect();
        if unknown.is_empty() {
            Ok(Self {
                named: values.0.clone(),
                batch: DEFAULT_EXTENT,
            })
        } else {
            Err(DimensionError::Unknown {
                unknown,
                known: known.into_iter().map(str::to_owned).collect(),
            })
        }
    }

    /// The same with a batch of this many elements. The batch is the first axis of an input where it is
    /// open; its name means that extent wherever it stands, unless the user gave it another.
    #[must_use]
    pub fn with_batch(mut self, signature: &Signature, batch: usize) -> Self {
        for spec in &signature.inputs {
            if let Some(Dim::Symbolic(name)) = spec.dims.iter().flatten().next() {
                self.named.entry(name.clone()).or_insert(batch);
            }
        }
        self.batch = batch;
        self
    }

    /// The concrete shape of an input.
    pub fn shape_of(&self, spec: &TensorSpec) -> Result<Shape, DimensionError> {
        let dims = spec.dims.as_ref();
        let dims = dims.ok_or_else(|| DimensionError::UndeclaredRank {
            name: spec.name.clone(),
        })?;
        let extents = dims.iter().enumerate().map(|(axis, dim)| match dim {
            Dim::Fixed(extent) => *extent,
            Dim::Symbolic(name) => self.named.get(name).copied().unwrap_or(DEFAULT_EXTENT),
            Dim::Unknown if axis == 0 => self.batch,
            Dim::Unknown => DEFAULT_EXTENT,
        });
        Ok(extents.collect())
    }
}

/// The names of an input's dimensions.
fn symbols(spec: &TensorSpec) -> impl Iterator<Item = &str> {
    spec.dims.iter().flatten().filter_map(|dim| match dim {
        Dim::Symbolic(name) => Some(name.as_str()),
        Dim::Fixed(_) | Dim::Unknown => None,
    })
}

/// `` `a`, `b` ``, or `none`.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;
    use nav_package_format::onnx::build;

    use super::*;

    fn spec(name: &str, dims: Option<&[&str]>) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: dims.map(|dims| build::dims(&dims.join(","))),
            optional: false,
        }
    }

    fn model(inputs: &[&[&str]]) -> Signature {
        Signature {
            inputs: inputs.iter().map(|dims| spec("x", Some(dims))).collect(),
            outputs: vec![spec("y", Some(&["boxes"]))],
        }
    }

    #[test]
    fn open_dimensions_get_what_is_given_or_one() {
        let check = |inputs: &[&[&str]], texts: &[&str], batch, expected: &[&[usize]]| {
            let signature = model(inputs);
            let values = DimensionValues::parse(texts.iter().copied()).unwrap();
            let mut dimensions = Dimensions::of(&signature, &values).unwrap();
            if let Some(batch) = batch {
                dimensions = dimensions.with_batch(&signature, batch);
            }
            let shapes = signature
                .inputs
                .iter()
                .map(|spec| dimensions.shape_of(spec));
            let shapes: Vec<Vec<usize>> = shapes.map(|shape| shape.unwrap().to_vec()).collect();
            assert_eq!(shapes, expected);
        };
        check(&[&["batch", "3", "?", "seq"]], &[], None, &[&[1, 3, 1, 1]]);
        check(
            &[&["batch", "seq"], &["seq", "2"]],
            &["seq=7"],
            None,
            &[&[1, 7], &[7, 2]],
        );
        check(&[&["?", "?"]], &[], Some(8), &[&[8, 1]]);
        check(
            &[&["batch", "seq"], &["4", "batch"]],
            &[],
            Some(8),
            &[&[8, 1], &[4, 8]],
        );
        check(&[&["batch", "2"]], &["batch=3"], Some(8), &[&[3, 2]]);
        check(&[&["n=m + 1"]], &["n=m + 1=5"], None, &[&[5]]);
        check(&[&["batch"]], &["batch=0"], None, &[&[0]]);
        check(&[&[]], &[], Some(8), &[&[]]);
    }

    #[test]
    fn names_that_no_input_has_are_listed() {
        let check = |inputs: &[&[&str]], expected: &str| {
            let values = DimensionValues::parse(["batch=1", "sqe=2", "boxes=3"]).unwrap();
            let error = Dimensions::of(&model(inputs), &values).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(
            &[&["seq", "batch", "4"]],
            "no input has the dimensions `boxes`, `sqe`; there are `batch`, `seq`",
        );
        check(
            &[&["4"]],
            "no input has the dimensions `batch`, `boxes`, `sqe`; there are none",
        );
    }

    #[test]
    fn texts_that_are_no_extents_are_refused() {
        for text in ["batch", "batch=", "=4", "batch=-1", "batch=x", ""] {
            let found = DimensionValues::parse([text]);
            let text = text.to_owned();
            assert_eq!(found, Err(DimensionError::Malformed { text }));
        }
        let name = "a".to_owned();
        assert_eq!(
            DimensionValues::parse(["a=1", "a=1"]),
            Err(DimensionError::Duplicate { name })
        );
    }

    #[test]
    fn an_input_of_undeclared_rank_asks_for_itself() {
        let dimensions = Dimensions::of(&model(&[]), &DimensionValues::default()).unwrap();
        let name = "x".to_owned();
        assert_eq!(
            dimensions.shape_of(&spec("x", None)),
            Err(DimensionError::UndeclaredRank { name })
        );
    }
}
