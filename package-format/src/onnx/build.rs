//! Builds models: nodes, attributes, tensors and graphs, with defaults that every runtime accepts.
//!
//! Checks nothing beyond what the types enforce; tests build faulty models with it on purpose.

use std::io;
use std::path::Path;

use prost::Message as _;

use super::element::ElementType;
use super::proto::attribute_proto::AttributeType;
use super::proto::tensor_proto::DataLocation;
use super::proto::tensor_shape_proto::{Dimension, dimension};
use super::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use crate::{DType, Dim};

/// The format version of new models.
pub const IR_VERSION: i64 = 10;
/// The version of the standard operator set of new models.
pub const OPSET: i64 = 21;

/// A number that can be an element of a tensor.
pub trait Element: Copy {
    /// Its type.
    const DTYPE: DType;

    /// Appends its little-endian bytes.
    fn append(self, bytes: &mut Vec<u8>);
}

macro_rules! element {
    ($($number:ty => $dtype:ident),+ $(,)?) => {$(
        impl Element for $number {
            const DTYPE: DType = DType::$dtype;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )+};
}

element! {
    u8 => Uint8, u16 => Uint16, u32 => Uint32, u64 => Uint64,
    i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64,
    f32 => Fp32, f64 => Fp64,
}

/// Dimensions from their text, as [`crate::TensorSpec::dims_text`] gives it: `batch,3,?`.
pub fn dims(text: &str) -> Vec<Dim> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse() {
            Ok(extent) => Dim::Fixed(extent),
            Err(_) if part == "?" => Dim::Unknown,
            Err(_) => Dim::Symbolic(part.to_owned()),
        })
        .collect()
}

/// The type of a dense tensor.
pub fn tensor_type(element: impl Into<ElementType>, dims: &[Dim]) -> TypeProto {
    let dim = |dim: &Dim| Dimension {
        value: match dim {
            Dim::Fixed(extent) => {
                let extent = i64::try_from(*extent).unwrap_or(i64::MAX);
                Some(dimension::Value::DimValue(extent))
            }
            Dim::Symbolic(name) => Some(dimension::Value::DimParam(name.clone())),
            Dim::Unknown => None,
        },
        denotation: None,
    };
    let shape = TensorShapeProto {
        dim: dims.iter().map(dim).collect(),
    };
    let tensor = type_proto::Tensor {
        elem_type: Some(element.into().0),
        shape: Some(shape),
    };
    TypeProto {
        value: Some(type_proto::Value::TensorType(tensor)),
        denotation: None,
    }
}

/// A tensor of numbers.
pub fn tensor<E: Element>(name: &str, dims: &[i64], elements: &[E]) -> TensorProto {
    let mut bytes = Vec::with_capacity(size_of_val(elements));
    for &element in elements {
        element.append(&mut bytes);
    }
    raw_tensor(name, E::DTYPE, dims, bytes)
}

/// A tensor of any element type but strings, from its little-endian bytes.
pub fn raw_tensor(
    name: &str,
    element: impl Into<ElementType>,
    dims: &[i64],
    bytes: Vec<u8>,
) -> TensorProto {
    TensorProto {
        name: Some(name.to_owned()),
        data_type: Some(element.into().0),
        dims: dims.to_vec(),
        raw_data: Some(bytes),
        ..TensorProto::default()
    }
}

/// A tensor of byte strings.
pub fn string_tensor<S: AsRef<[u8]>>(name: &str, dims: &[i64], elements: &[S]) -> TensorProto {
    TensorProto {
        string_data: elements.iter().map(|s| s.as_ref().to_vec()).collect(),
        raw_data: None,
        ..raw_tensor(name, DType::Bytes, dims, Vec::new())
    }
}

/// A tensor whose value is in another file: `entries` are `location`, `offset`, `length`, `checksum`.
pub fn external_tensor(
    name: &str,
    element: impl Into<ElementType>,
    dims: &[i64],
    entries: &[(&str, &str)],
) -> TensorProto {
    TensorProto {
        external_data: entries
            .iter()
            .map(|(key, value)| entry(key, value))
            .collect(),
        data_location: Some(DataLocation::External as i32),
        raw_data: None,
        ..raw_tensor(name, element, dims, Vec::new())
    }
}

/// A key and a value.
pub fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

/// A node of a standard operator.
pub fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        op_type: Some(op_type.to_owned()),
        input: owned(inputs),
        output: owned(outputs),
        ..NodeProto::default()
    }
}

impl NodeProto {
    /// The same node of an operator in this namespace.
    #[must_use]
    pub fn in_domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.to_owned());
        self
    }

    /// The same node with one more parameter.
    #[must_use]
    pub fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(kind as i32),
        ..AttributeProto::default()
    }
}

/// A parameter that is a whole number.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        i: Some(value),
        ..attribute(name, AttributeType::Int)
    }
}

/// A parameter that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        ints: values.to_vec(),
        ..attribute(name, AttributeType::Ints)
    }
}

/// A parameter that is a number with a fraction.
pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        f: Some(value),
        ..attribute(name, AttributeType::Float)
    }
}

/// A parameter that is a list of numbers with a fraction.
pub fn floats(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        floats: values.to_vec(),
        ..attribute(name, AttributeType::Floats)
    }
}

/// A parameter that is text.
pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        s: Some(value.as_bytes().to_vec()),
        ..attribute(name, AttributeType::String)
    }
}

/// A parameter that is a tensor.
pub fn tensor_value(name: &str, value: TensorProto) -> AttributeProto {
    AttributeProto {
        t: Some(value),
        ..attribute(name, AttributeType::Tensor)
    }
}

/// A parameter that is a graph: a branch or the body of a loop.
pub fn graph_value(name: &str, value: GraphProto) -> AttributeProto {
    AttributeProto {
        g: Some(value),
        ..attribute(name, AttributeType::Graph)
    }
}

/// A declared value.
pub fn value(name: &str, kind: TypeProto) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        ..ValueInfoProto::default()
    }
}

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

    #[test]
    fn dimensions_are_read_from_their_text() {
        let spec = crate::TensorSpec {
            name: "x".to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims("batch, 3,?")),
            optional: false,
        };
        assert_eq!(spec.dims_text(), "[batch,3,?]");
        assert_eq!(dims(""), []);
    }

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
