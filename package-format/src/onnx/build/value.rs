//! Builds declared values: names, element types and shapes.

use crate::Dim;
use crate::onnx::element::ElementType;
use crate::onnx::proto::tensor_shape_proto::{Dimension, dimension};
use crate::onnx::proto::{
    StringStringEntryProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

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

/// A declared value.
pub fn value(name: &str, kind: TypeProto) -> ValueInfoProto {
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(kind),
        ..ValueInfoProto::default()
    }
}

/// A key and a value.
pub fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;

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
}
