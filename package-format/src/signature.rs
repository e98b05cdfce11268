//! Signatures: which tensors a model takes and gives, with dimensions that may be open.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DType, Shape};

/// One dimension of a declared shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dim {
    /// Always this extent.
    Fixed(usize),
    /// Any extent, the same wherever this name stands.
    Symbolic(String),
    /// Any extent.
    Unknown,
}

impl Dim {
    /// Whether a tensor may have this extent here.
    pub fn admits(&self, extent: usize) -> bool {
        match self {
            Self::Fixed(fixed) => *fixed == extent,
            Self::Symbolic(_) | Self::Unknown => true,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(extent) => write!(f, "{extent}"),
            Self::Symbolic(name) => f.write_str(name),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// One declared input or output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Its name, as the model gives it.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// Its dimensions; `None` when the model does not even declare how many there are.
    pub dims: Option<Vec<Dim>>,
    /// Whether a request may leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl TensorSpec {
    /// Whether a tensor of this shape fits the declaration.
    pub fn admits(&self, shape: &Shape) -> bool {
        let Some(dims) = &self.dims else {
            return true;
        };
        dims.len() == shape.len()
            && dims
                .iter()
                .zip(shape.iter())
                .all(|(dim, &extent)| dim.admits(extent))
    }

    /// The declared shape for people: `[batch,3,?]`, or `[...]` when even the rank is open.
    pub fn dims_text(&self) -> String {
        let Some(dims) = &self.dims else {
            return "[...]".to_owned();
        };
        let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
        format!("[{}]", dims.join(","))
    }
}

/// `x: FP32 [batch,3]`.
impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.name, self.dtype, self.dims_text())
    }
}

/// What a model takes and gives, in the order of its graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What it takes.
    pub inputs: Vec<TensorSpec>,
    /// What it gives.
    pub outputs: Vec<TensorSpec>,
}

impl Signature {
    /// Position and declaration of the input of this name.
    pub fn input(&self, name: &str) -> Option<(usize, &TensorSpec)> {
        self.inputs
            .iter()
            .enumerate()
            .find(|(_, spec)| spec.name == name)
    }

    /// Position and declaration of the output of this name.
    pub fn output(&self, name: &str) -> Option<(usize, &TensorSpec)> {
        self.outputs
            .iter()
            .enumerate()
            .find(|(_, spec)| spec.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(dims: Option<Vec<Dim>>) -> TensorSpec {
        TensorSpec {
            name: "x".to_owned(),
            dtype: DType::Fp32,
            dims,
            optional: false,
        }
    }

    #[test]
    fn fixed_dimensions_bind_and_open_ones_do_not() {
        let declared = spec(Some(vec![
            Dim::Symbolic("batch".to_owned()),
            Dim::Fixed(3),
            Dim::Unknown,
        ]));
        assert!(declared.admits(&Shape::from([0, 3, 7])));
        assert!(!declared.admits(&Shape::from([1, 4, 7])));
        assert!(!declared.admits(&Shape::from([1, 3])));
        assert_eq!(declared.to_string(), "x: FP32 [batch,3,?]");
    }

    #[test]
    fn an_undeclared_rank_admits_every_shape() {
        assert!(spec(None).admits(&Shape::default()));
        assert_eq!(spec(None).dims_text(), "[...]");
    }
}
