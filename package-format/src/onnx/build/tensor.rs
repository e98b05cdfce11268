//! Builds tensors with their values.

use super::value::entry;
use crate::DType;
use crate::onnx::element::ElementType;
use crate::onnx::proto::TensorProto;
use crate::onnx::proto::tensor_proto::DataLocation;

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
