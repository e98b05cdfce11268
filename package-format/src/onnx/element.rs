//! Element types as ONNX numbers them, of which some have no counterpart in [`DType`].

use std::borrow::Cow;
use std::fmt;

use super::proto::tensor_proto::DataType;
use crate::DType;

/// The number of an element type, known or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementType(pub i32);

impl ElementType {
    /// The type as the format knows it; none for a number that is newer than this program, or nonsense.
    pub fn known(self) -> Option<DataType> {
        DataType::try_from(self.0).ok()
    }

    /// The counterpart that tensors at run time have.
    pub fn dtype(self) -> Option<DType> {
        Some(match self.known()? {
            DataType::Float => DType::Fp32,
            DataType::Uint8 => DType::Uint8,
            DataType::Int8 => DType::Int8,
            DataType::Uint16 => DType::Uint16,
            DataType::Int16 => DType::Int16,
            DataType::Int32 => DType::Int32,
            DataType::Int64 => DType::Int64,
            DataType::String => DType::Bytes,
            DataType::Bool => DType::Bool,
            DataType::Float16 => DType::Fp16,
            DataType::Double => DType::Fp64,
            DataType::Uint32 => DType::Uint32,
            DataType::Uint64 => DType::Uint64,
            DataType::Bfloat16 => DType::Bf16,
            _ => return None,
        })
    }

    /// The format's name, or the number where there is none: `FLOAT8E4M3FN`, `99`.
    pub fn name(self) -> Cow<'static, str> {
        match self.known() {
            Some(known) => Cow::Borrowed(known.as_str_name()),
            None => Cow::Owned(self.0.to_string()),
        }
    }

    /// The name users see: that of [`DType`] where there is one.
    pub fn common_name(self) -> Cow<'static, str> {
        match self.dtype() {
            Some(dtype) => Cow::Borrowed(dtype.name()),
            None => self.name(),
        }
    }

    /// Bits an element takes where the value is stored as bytes; none where that varies or is unknown.
    pub fn bits(self) -> Option<u32> {
        Some(match self.known()? {
            DataType::Undefined | DataType::String => return None,
            DataType::Uint2 | DataType::Int2 => 2,
            DataType::Uint4 | DataType::Int4 | DataType::Float4e2m1 => 4,
            DataType::Float6e2m3 | DataType::Float6e3m2 => 6,
            DataType::Uint8
            | DataType::Int8
            | DataType::Bool
            | DataType::Float8e4m3fn
            | DataType::Float8e4m3fnuz
            | DataType::Float8e5m2
            | DataType::Float8e5m2fnuz
            | DataType::Float8e8m0 => 8,
            DataType::Uint16 | DataType::Int16 | DataType::Float16 | DataType::Bfloat16 => 16,
            DataType::Float | DataType::Int32 | DataType::Uint32 => 32,
            DataType::Double | DataType::Int64 | DataType::Uint64 | DataType::Complex64 => 64,
            DataType::Complex128 => 128,
        })
    }
}

impl From<DataType> for ElementType {
    fn from(known: DataType) -> Self {
        Self(known as i32)
    }
}

impl From<DType> for ElementType {
    fn from(dtype: DType) -> Self {
        Self::from(match dtype {
            DType::Bool => DataType::Bool,
            DType::Uint8 => DataType::Uint8,
            DType::Uint16 => DataType::Uint16,
            DType::Uint32 => DataType::Uint32,
            DType::Uint64 => DataType::Uint64,
            DType::Int8 => DataType::Int8,
            DType::Int16 => DataType::Int16,
            DType::Int32 => DataType::Int32,
            DType::Int64 => DataType::Int64,
            DType::Fp16 => DataType::Float16,
            DType::Bf16 => DataType::Bfloat16,
            DType::Fp32 => DataType::Float,
            DType::Fp64 => DataType::Double,
            DType::Bytes => DataType::String,
        })
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_time_type_has_its_number_and_its_size() {
        for &dtype in DType::ALL {
            let element = ElementType::from(dtype);
            assert_eq!(element.dtype(), Some(dtype));
            let bytes = element.bits().map(|bits| bits as usize / 8);
            assert_eq!(bytes, dtype.element_size(), "{dtype}");
        }
    }

    #[test]
    fn types_without_a_counterpart_keep_their_name_and_new_ones_their_number() {
        let check = |number, name: &str| {
            assert_eq!(ElementType(number).dtype(), None);
            assert_eq!(ElementType(number).common_name(), name);
        };
        check(17, "FLOAT8E4M3FN");
        check(22, "INT4");
        check(15, "COMPLEX128");
        check(99, "99");
        check(-1, "-1");
    }
}
