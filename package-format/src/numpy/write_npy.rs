//! Writing one array, the way NumPy itself lays it out.

use std::io::{self, Write};

use super::element;
use super::error::{ArrayError, NumpyError};
use super::header::{MAGIC, MAXIMUM_RANK};
use crate::{DType, TensorView};

/// What the elements' position in a file is a multiple of, so that they can be mapped.
const ALIGNMENT: usize = 64;

/// Magic, version and length of the header.
const PREAMBLE: usize = 10;

/// Writes an `.npy` array. Byte strings take the room of the longest one each, and BF16 becomes `<V2`,
/// which `ml_dtypes` users read with `.view(ml_dtypes.bfloat16)`.
pub fn write_npy(mut writer: impl Write, tensor: TensorView<'_>) -> Result<(), NumpyError> {
    let array = Array::new(tensor)?;
    Ok(array.write(&mut writer).map_err(ArrayError::Io)?)
}

/// A tensor that is known to fit in an array.
pub(super) struct Array<'a> {
    tensor: TensorView<'a>,
    /// Bytes of each element in the file, for byte strings.
    string_width: usize,
    header: Vec<u8>,
}

impl<'a> Array<'a> {
    pub(super) fn new(tensor: TensorView<'a>) -> Result<Self, ArrayError> {
        let rank = tensor.shape().len();
        if rank > MAXIMUM_RANK {
            return Err(ArrayError::TooManyDimensions {
                rank,
                limit: MAXIMUM_RANK,
            });
        }
        // NumPy gives an array of empty strings one byte each, too.
        let mut string_width = 1;
        for (element, string) in tensor.strings().enumerate() {
            if string.last() == Some(&0) {
                return Err(ArrayError::TrailingZero { element });
            }
            string_width = string_width.max(string.len());
        }
        Ok(Self {
            tensor,
            string_width,
            header: header(tensor, string_width)?,
        })
    }

    /// How many bytes it takes in a file; `None` when that cannot be counted.
    pub(super) fn size(&self) -> Option<u64> {
        let elements = match self.tensor.dtype() {
            DType::Bytes => {
                let count = self.tensor.shape().element_count().ok()?;
                count.checked_mul(self.string_width)?
            }
            _ => self.tensor.bytes().len(),
        };
        u64::try_from(elements.checked_add(self.header.len())?).ok()
    }

    pub(super) fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        writer.write_all(&self.header)?;
        if self.tensor.dtype() != DType::Bytes {
            return writer.write_all(self.tensor.bytes());
        }
        let padding = vec![0; self.string_width];
        for string in self.tensor.strings() {
            writer.write_all(string)?;
            writer.write_all(&padding[string.len()..])?;
        }
        Ok(())
    }
}

fn header(tensor: TensorView<'_>, string_width: usize) -> Result<Vec<u8>, ArrayError> {
    let strings = || format!("|S{string_width}");
    let descr = element::descr(tensor.dtype()).map_or_else(strings, str::to_owned);
    let extents: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
    let shape = match extents.as_slice() {
        [only] => format!("{only},"),
        more => more.join(", "),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let unpadded = PREAMBLE + text.len() + 1;
    let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
    text.extend(std::iter::repeat_n(' ', padding));
    text.push('\n');
    let too_long = |_| ArrayError::TooManyDimensions {
        rank: tensor.shape().len(),
        limit: MAXIMUM_RANK,
    };
    let length = u16::try_from(text.len()).map_err(too_long)?;
    let mut header = Vec::with_capacity(PREAMBLE + text.len());
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&[1, 0]);
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    Ok(header)
}
