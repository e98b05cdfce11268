//! What a manifest says of the model itself, whatever the variants do with it.

use serde::{Deserialize, Serialize};

use crate::Signature;
use crate::package::variant::VariantFile;

/// The model that all variants stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name, by which it is served unless another is given.
    pub name: String,
    /// The kind of its file.
    pub format: String,
    /// Its files. The first one is the model, the others are what it refers to.
    pub files: Vec<VariantFile>,
    /// What it takes and gives.
    pub signature: Signature,
    /// The axis along which inputs and outputs may be batched, if there is one.
    pub batch_axis: Option<usize>,
}
