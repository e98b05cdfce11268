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

/// Element types by the name that is written, and others that mean the same.
const DTYPES: &[(DType, &str, &[&str])] = &[
    (DType::Bool, "bool", &[]),
    (DType::Uint8, "uint8", &[]),
    (DType::Uint16, "uint16", &[]),
    (DType::Uint32, "uint32", &[]),
    (DType::Uint64, "uint64", &[]),
    (DType::Int8, "int8", &[]),
    (DType::Int16, "int16", &[]),
    (DType::Int32, "int32", &[]),
    (DType::Int64, "int64", &[]),
    (DType::Fp16, "float16", &[]),
    (DType::Bf16, "torch.bfloat16", &["bfloat16"]),
    (DType::Fp32, "float32", &[]),
    (DType::Fp64, "float64", &[]),
    (DType::Bytes, "object", &["bytes", "str"]),
];

fn dtype(name: &str) -> Option<DType> {
    let plain = name.strip_prefix("torch.").unwrap_or(name);
    let found = DTYPES.iter().find(|(_, written, others)| {
        name == *written || plain == *written || others.contains(&plain)
    });
    found.map(|(dtype, ..)| *dtype)
}

/// The name that is written for an element type.
pub(super) fn dtype_name(dtype: DType) -> &'static str {
    let found = DTYPES.iter().find(|(known, ..)| *known == dtype);
    found.map_or("object", |(_, written, _)| written)
}
