//! What Model Navigator records of a model's inputs and outputs, in either of its two layouts.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::{DType, Dim, TensorSpec};

/// One input or output.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TensorMetadata {
    /// Its name.
    pub name: String,
    /// Its extents; negative ones are open.
    pub shape: Vec<i64>,
    /// Its element type, as NumPy or Torch name it.
    pub dtype: String,
}

/// A list of them. Since format 0.3.0 it is the member `metadata` of a map; before, it stood alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TensorList(pub(super) Vec<TensorMetadata>);

#[derive(Deserialize)]
struct Nested {
    metadata: Vec<TensorMetadata>,
}

impl<'de> Deserialize<'de> for TensorList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TensorListVisitor)
    }
}

struct TensorListVisitor;

impl<'de> Visitor<'de> for TensorListVisitor {
    type Value = TensorList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tensors, or a map with such a list as `metadata`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TensorList, A::Error> {
        let nested = Nested::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TensorList(nested.metadata))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TensorList, A::Error> {
        let mut tensors = Vec::new();
        while let Some(tensor) = list.next_element()? {
            tensors.push(tensor);
        }
        Ok(TensorList(tensors))
    }

    fn visit_unit<E>(self) -> Result<TensorList, E> {
        Ok(TensorList::default())
    }
}

impl TensorMetadata {
    /// The same as we say it; nothing for an element type that we do not have.
    pub fn to_spec(&self) -> Option<TensorSpec> {
        let dim = |&extent: &i64| usize::try_from(extent).map_or(Dim::Unknown, Dim::Fixed);
        Some(TensorSpec {
            name: self.name.clone(),
            dtype: dtype(&self.dtype)?,
            dims: Some(self.shape.iter().map(dim).collect()),
            optional: false,
        })
    }
}

fn dtype(name: &str) -> Option<DType> {
    Some(match name.strip_prefix("torch.").unwrap_or(name) {
        "bool" => DType::Bool,
        "uint8" => DType::Uint8,
        "uint16" => DType::Uint16,
        "uint32" => DType::Uint32,
        "uint64" => DType::Uint64,
        "int8" => DType::Int8,
        "int16" => DType::Int16,
        "int32" => DType::Int32,
        "int64" => DType::Int64,
        "float16" => DType::Fp16,
        "bfloat16" => DType::Bf16,
        "float32" => DType::Fp32,
        "float64" => DType::Fp64,
        "object" | "bytes" | "str" => DType::Bytes,
        _ => return None,
    })
}
