//! Reading one array.

use std::io::Read;

use super::decode;
use super::error::{ArrayError, NumpyError};
use super::header;
use super::limits::{Budget, Limits};
use crate::{ShapeError, TensorData};

/// How much memory a size that no byte has confirmed yet may take.
const UNCONFIRMED: usize = 1 << 20;

/// Reads an `.npy` array, which must be all that the reader gives.
pub fn read_npy(mut reader: impl Read, limits: &Limits) -> Result<TensorData, NumpyError> {
    Ok(read_array(&mut reader, limits, &mut Budget::new(limits))?)
}

/// Reads an array within what is left of the budget of its file.
pub(super) fn read_array(
    reader: &mut impl Read,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<TensorData, ArrayError> {
    let header = header::read(reader, limits)?;
    let count = header.shape.element_count()?;
    let overflow = || ShapeError {
        shape: header.shape.clone(),
    };
    let decoded = header.element.decoded_width();
    let decoded = decoded.and_then(|width| width.checked_mul(count));
    budget
        .take(decoded.ok_or_else(overflow)?)
        .map_err(|over| ArrayError::TooLarge {
            shape: header.shape.clone(),
            limit: over.limit,
        })?;
    let size = header.element.width.checked_mul(count);
    let bytes = read_exactly(reader, size.ok_or_else(overflow)?)?;
    decode::decode(header, bytes)
}

/// Reads `size` bytes, taking memory only as they arrive, and makes sure that no more follow.
fn read_exactly(reader: &mut impl Read, size: usize) -> Result<Vec<u8>, ArrayError> {
    let mut bytes = Vec::with_capacity(size.min(UNCONFIRMED));
    let mut limited = reader.take(u64::try_from(size).unwrap_or(u64::MAX));
    limited.read_to_end(&mut bytes).map_err(ArrayError::Io)?;
    if bytes.len() < size {
        return Err(ArrayError::Truncated {
            expected: size,
            found: bytes.len(),
        });
    }
    bytes.shrink_to_fit();
    // Reading up to the end also makes an archive compare the checksum of its entry.
    let mut extra = Vec::new();
    let mut rest = limited.into_inner().take(1);
    match rest.read_to_end(&mut extra).map_err(ArrayError::Io)? {
        0 => Ok(bytes),
        _ => Err(ArrayError::Trailing { expected: size }),
    }
}
