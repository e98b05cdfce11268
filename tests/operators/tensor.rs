//! Tensors as the exporter writes them, which uses raw data for all but strings.

use nav_package_format::onnx::ElementType;
use nav_package_format::onnx::proto::TensorProto;
use nav_package_format::strings::{self, StringsError};
use nav_package_format::{DType, Shape, TensorData, TensorDataError};

/// Why a message is no tensor of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TensorError {
    #[error("requests cannot carry {0}")]
    ElementType(String),
    #[error("an extent is negative")]
    Extent,
    #[error(transparent)]
    Strings(#[from] StringsError),
    #[error(transparent)]
    Data(#[from] TensorDataError),
}

/// The tensor of a message.
pub(crate) fn read(message: TensorProto) -> Result<TensorData, TensorError> {
    let element = ElementType(message.data_type());
    let dtype = element
        .dtype()
        .ok_or_else(|| TensorError::ElementType(element.to_string()))?;
    let extents: Result<Vec<usize>, _> =
        message.dims.iter().copied().map(usize::try_from).collect();
    let shape = Shape::new(extents.map_err(|_| TensorError::Extent)?);
    let bytes = match dtype {
        DType::Bytes => strings::encode(&message.string_data)?,
        _ => message.raw_data.unwrap_or_default(),
    };
    Ok(TensorData::new(dtype, shape, bytes)?)
}

#[cfg(test)]
mod tests {
    use nav_package_format::onnx::build::{raw_tensor, string_tensor, tensor};
    use nav_package_format::onnx::proto::tensor_proto::DataType;

    use super::*;

    #[test]
    fn numbers_and_strings_are_read_and_rare_types_are_named() {
        let numbers = read(tensor("x", &[2], &[1_i16, 2])).unwrap();
        assert_eq!(
            (numbers.dtype(), numbers.bytes()),
            (DType::Int16, &[1, 0, 2, 0][..])
        );
        let strings = read(string_tensor("x", &[1], &["a"])).unwrap();
        assert_eq!(strings.bytes(), [1, 0, 0, 0, b'a']);
        let rare = read(raw_tensor("x", DataType::Int4, &[2], vec![0x21])).unwrap_err();
        assert_eq!(rare.to_string(), "requests cannot carry INT4");
    }
}
