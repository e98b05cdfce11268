//! An input or output of a model, as it is declared.

use std::sync::Arc;

use nav_package_format::{DType, Dim, Shape, TensorSpec};

use super::model::ModelFault;

/// An input or output. Without a name it gets one from its place: `INPUT_1`, `OUTPUT_1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: Option<Arc<str>>,
    /// The type of its elements.
    pub dtype: DType,
    /// Its extents without that of the batch; -1 for any.
    pub shape: Vec<i64>,
    /// Whether a request may leave it out, where it is an input.
    pub optional: bool,
}

impl Tensor {
    /// A tensor of these extents, without that of the batch; -1 for any.
    pub fn new(dtype: DType, shape: impl Into<Vec<i64>>) -> Self {
        Self {
            name: None,
            dtype,
            shape: shape.into(),
            optional: false,
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, which a request may leave out.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Its name; empty as long as it has none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Whether these extents, without that of the batch, are such as are declared.
    pub fn admits(&self, shape: &Shape) -> bool {
        // One that cannot be declared admits nothing.
        self.spec(false, "").is_ok_and(|spec| spec.admits(shape))
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone().unwrap_or_default()
    }

    /// What the engine knows of such a tensor as the tensor of a model.
    pub fn of_spec(spec: &TensorSpec, is_batched: bool) -> Self {
        let dims = spec.dims.as_deref().unwrap_or_default();
        let dims = dims.get(usize::from(is_batched)..).unwrap_or_default();
        let extent = |dim: &Dim| match dim {
            Dim::Fixed(extent) => i64::try_from(*extent).unwrap_or(-1),
            Dim::Symbolic(_) | Dim::Unknown => -1,
        };
        Self {
            name: Some(spec.name.as_str().into()),
            dtype: spec.dtype,
            shape: dims.iter().map(extent).collect(),
            optional: spec.optional,
        }
    }

    /// These tensors, of which those without a name are called by their places.
    pub(crate) fn numbered(tensors: Vec<Self>, word: &str) -> Vec<Self> {
        let numbered = tensors.into_iter().zip(1..).map(|(tensor, place)| Self {
            name: Some(
                tensor
                    .name
                    .unwrap_or_else(|| format!("{word}_{place}").into()),
            ),
            ..tensor
        });
        numbered.collect()
    }

    /// What the engine is told.
    pub(crate) fn spec(&self, is_batched: bool, field: &str) -> Result<TensorSpec, ModelFault> {
        let dim = |extent: &i64| match *extent {
            -1 => Ok(Dim::Unknown),
            extent => usize::try_from(extent).map(Dim::Fixed).map_err(|_| {
                let reason = format!("{extent} is no extent; -1 stands for any");
                ModelFault::new(format!("{field}[{}].shape", self.name()), reason)
            }),
        };
        let batch = is_batched.then_some(Ok(Dim::Unknown));
        let dims = batch.into_iter().chain(self.shape.iter().map(dim));
        Ok(TensorSpec {
            name: self.name().to_owned(),
            dtype: self.dtype,
            dims: Some(dims.collect::<Result<_, _>>()?),
            optional: self.optional,
        })
    }
}
