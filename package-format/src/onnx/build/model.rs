//! Builds graphs and models.

use std::io;
use std::path::Path;

use prost::Message as _;

use super::value::{tensor_type, value};
use crate::Dim;
use crate::onnx::element::ElementType;
use crate::onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};

/// The format version of new models.
pub const IR_VERSION: i64 = 10;
/// The version of the standard operator set of new models.
pub const OPSET: i64 = 21;

impl GraphProto {
    /// An empty graph.
    pub fn named(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// The same graph with one more input, a tensor.
    #[must_use]
    pub fn takes(self, name: &str, element: impl Into<ElementType>, dims: &[Dim]) -> Self {
        self.takes_value(value(name, tensor_type(element, dims)))
    }

    /// The same graph with one more input of any type.
    #[must_use]
    pub fn takes_value(mut self, value: ValueInfoProto) -> Self {
        self.input.push(value);
        self
    }

    /// The same graph with one more output, a tensor.
    #[must_use]
    pub fn gives(mut self, name: &str, element: impl Into<ElementType>, dims: &[Dim]) -> Self {
        self.output.push(value(name, tensor_type(element, dims)));
        self
    }

    /// The same graph with one more node, which must come after those it depends on.
    #[must_use]
    pub fn with(mut self, node: NodeProto) -> Self {
        self.node.push(node);
        self
    }

    /// The same graph with one more tensor of a fixed value.
    #[must_use]
    pub fn holds(mut self, tensor: TensorProto) -> Self {
        self.initializer.push(tensor);
        self
    }

    /// A model of this graph, for the current versions of format and operators.
    pub fn into_model(self) -> ModelProto {
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("nav".to_owned()),
            graph: Some(self),
            ..ModelProto::default()
        }
        .imports("", OPSET)
    }
}

impl ModelProto {
    /// The same model with one more operator set.
    #[must_use]
    pub fn imports(mut self, domain: &str, version: i64) -> Self {
        self.opset_import.push(OperatorSetIdProto {
            domain: Some(domain.to_owned()),
            version: Some(version),
        });
        self
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }

    /// Writes it to a file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, self.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::onnx::build::{dims, node, tensor};

    #[test]
    fn what_is_built_decodes_to_the_same_model() {
        let model = GraphProto::named("double")
            .takes("x", DType::Fp32, &dims("batch,2"))
            .with(node("Mul", &["x", "two"], &["y"]))
            .holds(tensor("two", &[2], &[2.0_f32, 2.0]))
            .gives("y", DType::Fp32, &dims("batch,2"))
            .into_model();
        assert_eq!(ModelProto::decode(model.to_bytes().as_slice()), Ok(model));
    }
}
