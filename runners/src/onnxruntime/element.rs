//! Element types as ONNX Runtime names them.

use nav_package_format::DType;
use ort::value::TensorElementType;

/// Our name for a type of ONNX Runtime; `None` for one that the protocol does not have.
pub fn to_dtype(element: TensorElementType) -> Option<DType> {
    Some(match element {
        TensorElementType::Bool => DType::Bool,
        TensorElementType::Uint8 => DType::Uint8,
        TensorElementType::Uint16 => DType::Uint16,
        TensorElementType::Uint32 => DType::Uint32,
        TensorElementType::Uint64 => DType::Uint64,
        TensorElementType::Int8 => DType::Int8,
        TensorElementType::Int16 => DType::Int16,
        TensorElementType::Int32 => DType::Int32,
        TensorElementType::Int64 => DType::Int64,
        TensorElementType::Float16 => DType::Fp16,
        TensorElementType::Bfloat16 => DType::Bf16,
        TensorElementType::Float32 => DType::Fp32,
        TensorElementType::Float64 => DType::Fp64,
        TensorElementType::String => DType::Bytes,
        _ => return None,
    })
}

/// ONNX Runtime's name for a type of ours.
pub fn from_dtype(dtype: DType) -> TensorElementType {
    match dtype {
        DType::Bool => TensorElementType::Bool,
        DType::Uint8 => TensorElementType::Uint8,
        DType::Uint16 => TensorElementType::Uint16,
        DType::Uint32 => TensorElementType::Uint32,
        DType::Uint64 => TensorElementType::Uint64,
        DType::Int8 => TensorElementType::Int8,
        DType::Int16 => TensorElementType::Int16,
        DType::Int32 => TensorElementType::Int32,
        DType::Int64 => TensorElementType::Int64,
        DType::Fp16 => TensorElementType::Float16,
        DType::Bf16 => TensorElementType::Bfloat16,
        DType::Fp32 => TensorElementType::Float32,
        DType::Fp64 => TensorElementType::Float64,
        DType::Bytes => TensorElementType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_of_the_protocol_has_a_counterpart() {
        for &dtype in DType::ALL {
            assert_eq!(to_dtype(from_dtype(dtype)), Some(dtype));
        }
    }
}
