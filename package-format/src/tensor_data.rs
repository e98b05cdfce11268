//! Tensors with their elements: little-endian, row-major, checked once when they are made.
//!
//! Knows no file format and no runner.

use std::borrow::Cow;

use crate::element::{self, Element, ElementsError};
use crate::strings::{self, StringsError};
use crate::{DType, Shape, ShapeError};

/// A tensor that owns its elements. It can only be made of bytes that are right for its element type
/// and shape, so whoever holds one need not check again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorData {
    dtype: DType,
    shape: Shape,
    bytes: Vec<u8>,
}

/// A tensor whose elements lie elsewhere, checked like [`TensorData`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorView<'a> {
    dtype: DType,
    shape: &'a Shape,
    bytes: &'a [u8],
}

/// Why bytes are not the elements of a tensor of some type and shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TensorDataError {
    /// The shape has no size.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The number of bytes is not what type and shape ask for.
    #[error("{dtype} of shape {shape} takes {expected} bytes, found {found}")]
    Size {
        /// The element type.
        dtype: DType,
        /// The shape.
        shape: Shape,
        /// How many bytes they ask for.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A truth value that is neither 0 nor 1, which runtimes are free to misread.
    #[error("element {element} is {value}, and a BOOL is 0 or 1")]
    Bool {
        /// Which element.
        element: usize,
        /// What it holds.
        value: u8,
    },
    /// The bytes are not byte strings, one for each element.
    #[error(transparent)]
    Strings(#[from] StringsError),
}

impl TensorData {
    /// A tensor of these elements, if they fit. Byte strings are their length as a little-endian `u32`,
    /// then their bytes.
    pub fn new(dtype: DType, shape: Shape, bytes: Vec<u8>) -> Result<Self, TensorDataError> {
        TensorView::new(dtype, &shape, &bytes)?;
        Ok(Self {
            dtype,
            shape,
            bytes,
        })
    }

    /// The type of its elements.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its extents.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its elements.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its elements, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The same tensor, borrowed.
    pub fn view(&self) -> TensorView<'_> {
        TensorView {
            dtype: self.dtype,
            shape: &self.shape,
            bytes: &self.bytes,
        }
    }
}

impl<'a> TensorView<'a> {
    /// A view of these elements, if they fit.
    pub fn new(dtype: DType, shape: &'a Shape, bytes: &'a [u8]) -> Result<Self, TensorDataError> {
        match shape.byte_size(dtype)? {
            Some(expected) if expected != bytes.len() => {
                return Err(TensorDataError::Size {
                    dtype,
                    shape: shape.clone(),
                    expected,
                    found: bytes.len(),
                });
            }
            Some(_) if dtype == DType::Bool => check_bools(bytes)?,
            Some(_) => {}
            None => strings::check(bytes, shape.element_count()?)?,
        }
        Ok(Self {
            dtype,
            shape,
            bytes,
        })
    }

    /// The type of its elements.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its extents.
    pub const fn shape(&self) -> &'a Shape {
        self.shape
    }

    /// Its elements.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its elements as what they are; copied only if they do not lie where such elements can.
    pub fn elements<E: Element>(&self) -> Result<Cow<'a, [E]>, ElementsError> {
        element::of_type(self.dtype, self.bytes)
    }

    /// Its byte strings, one an element; none for every other element type.
    pub fn strings(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = match self.dtype {
            DType::Bytes => self.bytes,
            _ => &[],
        };
        std::iter::from_fn(move || {
            let (string, tail) = strings::split_first(rest)?;
            rest = tail;
            Some(string)
        })
    }
}

fn check_bools(bytes: &[u8]) -> Result<(), TensorDataError> {
    match bytes.iter().enumerate().find(|&(_, &value)| value > 1) {
        Some((element, &value)) => Err(TensorDataError::Bool { element, value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dtype: DType, shape: impl Into<Shape>, bytes: &[u8], expected: Result<(), &str>) {
        let found = TensorData::new(dtype, shape.into(), bytes.to_vec());
        let found = found.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn bytes_must_fit_type_and_shape() {
        check(DType::Fp32, [2], &[0; 8], Ok(()));
        check(DType::Int64, [0, 5], &[], Ok(()));
        check(DType::Bool, [2], &[0, 1], Ok(()));
        check(DType::Bytes, [2], &[1, 0, 0, 0, 9, 0, 0, 0, 0], Ok(()));
        check(
            DType::Fp32,
            [2],
            &[0; 7],
            Err("FP32 of shape [2] takes 8 bytes, found 7"),
        );
        check(
            DType::Bool,
            [2],
            &[1, 2],
            Err("element 1 is 2, and a BOOL is 0 or 1"),
        );
        check(
            DType::Bytes,
            [2],
            &[0, 0, 0, 0, 1, 0, 0, 0],
            Err("element 1 runs past the end of the data"),
        );
        check(
            DType::Bytes,
            [1],
            &[0, 0, 0, 0, 1],
            Err("1 bytes are left over after 1 elements"),
        );
        check(
            DType::Fp32,
            [usize::MAX, 2],
            &[],
            Err(
                "a tensor of shape [18446744073709551615,2] has more elements or bytes than this \
                 machine can address",
            ),
        );
    }

    #[test]
    fn strings_are_those_of_a_byte_tensor_only() {
        let bytes = vec![2, 0, 0, 0, 7, 8, 0, 0, 0, 0];
        let data = TensorData::new(DType::Bytes, Shape::from([2]), bytes).unwrap();
        let strings: Vec<&[u8]> = data.view().strings().collect();
        assert_eq!(strings, [&[7, 8][..], &[]]);
        let data = TensorData::new(DType::Uint8, Shape::from([4]), vec![0; 4]).unwrap();
        assert_eq!(data.view().strings().count(), 0);
    }
}
