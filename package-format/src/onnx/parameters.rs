//! How many parameters a model has and what they take.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::operators::{STANDARD_DOMAIN, spelled_out};
use super::scope::Scope;
use super::structure::Tensor;

/// Elements and bytes of tensors with a fixed value: initializers and constants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// All of them.
    #[serde(flatten)]
    pub total: ParameterCount,
    /// By element type, under the name that users see.
    pub by_dtype: BTreeMap<String, ParameterCount>,
}

/// Elements and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterCount {
    /// Elements. Of a tensor that is mostly zero, those that are not.
    pub elements: u64,
    /// Bytes, in the file or outside it.
    pub bytes: u64,
}

impl Parameters {
    pub(super) fn of(scopes: &[Scope<'_>]) -> Self {
        let mut parameters = Self::default();
        for tensor in scopes.iter().flat_map(|scope| values(*scope)) {
            let count = ParameterCount::of(tensor);
            let dtype = tensor.element.common_name().into_owned();
            parameters.total.add(count);
            parameters.by_dtype.entry(dtype).or_default().add(count);
        }
        parameters
    }
}

impl ParameterCount {
    fn of(tensor: &Tensor) -> Self {
        // Shapes that cannot be counted were refused when the model was read.
        let elements = tensor.element_count().unwrap_or_default();
        let bytes = tensor.byte_size().ok().flatten();
        Self {
            elements,
            bytes: bytes.unwrap_or(tensor.payload.string_bytes),
        }
    }

    // Saturating: a hostile model may claim many tensors of 2^62 elements outside its file.
    const fn add(&mut self, other: Self) {
        self.elements = self.elements.saturating_add(other.elements);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The tensors with a fixed value of one scope. Where the elements of a sparse one stand is no parameter.
fn values(scope: Scope<'_>) -> impl Iterator<Item = &Tensor> {
    let initializers = scope.graph.into_iter().flat_map(|graph| {
        let sparse = graph
            .sparse_initializers
            .iter()
            .map(|sparse| &sparse.values);
        graph.initializers.iter().chain(sparse)
    });
    let constants = scope
        .nodes
        .iter()
        .filter(|node| node.op_type == "Constant" && spelled_out(&node.domain) == STANDARD_DOMAIN);
    let constants = constants.flat_map(|node| &node.attributes);
    let constants = constants.flat_map(|attribute| {
        let sparse = attribute.sparse_tensor.as_deref();
        let sparse = sparse.map(|sparse| &sparse.values);
        attribute.tensor.as_deref().into_iter().chain(sparse)
    });
    initializers.chain(constants)
}
