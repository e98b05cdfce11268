//! The values of tensors, as programs hold them: typed when they are made and when they are read, bytes in between.
//!
//! Clones and rows share the elements. Knows neither names nor models.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use nav_package_format::{
    DType, Element, ElementsError, Shape, TensorDataError, TensorView, element, strings,
};

/// A tensor: the type of its elements, its extents, and its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    dtype: DType,
    shape: Shape,
    bytes: Bytes,
}

/// Why there is no such array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArrayError {
    /// The elements are of another type.
    #[error(transparent)]
    Elements(#[from] ElementsError),
    /// There are not as many elements as the shape says.
    #[error(transparent)]
    Data(#[from] TensorDataError),
    /// An element is no text.
    #[error("element {element} is no UTF-8 text")]
    Text {
        /// Which one.
        element: usize,
    },
    /// Two arrays do not go together.
    #[error("arrays of {one} and {other} do not go together")]
    Apart {
        /// What one of them is.
        one: String,
        /// What the other is.
        other: String,
    },
    /// There are no such rows.
    #[error("there are no rows {from} to {to} in shape {shape}")]
    Rows {
        /// The first one.
        from: usize,
        /// The one after the last.
        to: usize,
        /// The extents.
        shape: Shape,
    },
}

/// Elements in memory that bytes can share.
struct Owned<E>(Vec<E>);

impl<E: Element> AsRef<[u8]> for Owned<E> {
    fn as_ref(&self) -> &[u8] {
        element::as_bytes(&self.0)
    }
}

impl Array {
    /// An array of these elements, which are not copied when they come as a vector.
    pub fn new<E: Element>(
        shape: impl Into<Shape>,
        elements: impl Into<Vec<E>>,
    ) -> Result<Self, ArrayError> {
        let bytes = Bytes::from_owner(Owned(elements.into()));
        Self::of_bytes(E::DTYPE, shape, bytes)
    }

    /// An array of texts or byte strings.
    pub fn strings<S: AsRef<[u8]>>(
        shape: impl Into<Shape>,
        elements: impl IntoIterator<Item = S>,
    ) -> Result<Self, ArrayError> {
        let encoded = strings::encode(elements).map_err(TensorDataError::from)?;
        Self::of_bytes(DType::Bytes, shape, encoded)
    }

    /// An array of elements that are bytes already: little-endian and row-major, strings with their lengths before them.
    pub fn of_bytes(
        dtype: DType,
        shape: impl Into<Shape>,
        bytes: impl Into<Bytes>,
    ) -> Result<Self, ArrayError> {
        let (shape, bytes) = (shape.into(), bytes.into());
        TensorView::new(dtype, &shape, &bytes)?;
        Ok(Self::known(dtype, shape, bytes))
    }

    /// The same, of what was checked by others.
    pub(crate) const fn known(dtype: DType, shape: Shape, bytes: Bytes) -> Self {
        Self {
            dtype,
            shape,
            bytes,
        }
    }

    /// The type of its elements.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its extents.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its elements as bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same where it lies, as runners take it.
    pub fn view(&self) -> Result<TensorView<'_>, ArrayError> {
        Ok(TensorView::new(self.dtype, &self.shape, &self.bytes)?)
    }

    /// The type of its elements, its extents and its elements as bytes.
    pub(crate) fn into_parts(self) -> (DType, Shape, Bytes) {
        (self.dtype, self.shape, self.bytes)
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        // One whose elements cannot be counted cannot be made.
        self.shape.element_count().unwrap_or(0)
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its first extent; none for a scalar.
    pub fn rows(&self) -> Option<usize> {
        self.shape.first().copied()
    }

    /// Its elements where they lie; copied only if such elements cannot lie there.
    pub fn elements<E: Element>(&self) -> Result<Cow<'_, [E]>, ArrayError> {
        Ok(element::of_type(self.dtype, &self.bytes)?)
    }

    /// A copy of its elements.
    pub fn to_vec<E: Element>(&self) -> Result<Vec<E>, ArrayError> {
        Ok(self.elements()?.into_owned())
    }

    /// Its first element, which is all of a scalar.
    pub fn first<E: Element>(&self) -> Result<Option<E>, ArrayError> {
        Ok(self.elements()?.first().copied())
    }

    /// Its byte strings.
    pub fn byte_strings(&self) -> Result<Vec<&[u8]>, ArrayError> {
        if self.dtype != DType::Bytes {
            let (found, wanted) = (self.dtype, DType::Bytes);
            return Err(ElementsError::DType { found, wanted }.into());
        }
        let found = strings::decode(&self.bytes, self.len());
        Ok(found.map_err(TensorDataError::from)?)
    }

    /// Its byte strings as the texts that they are.
    pub fn texts(&self) -> Result<Vec<&str>, ArrayError> {
        let found = self.byte_strings()?.into_iter().enumerate();
        found
            .map(|(element, bytes)| {
                std::str::from_utf8(bytes).map_err(|_| ArrayError::Text { element })
            })
            .collect()
    }

    /// An array of the same shape: each element as `change` makes it.
    pub fn map<E: Element, F: Element>(
        &self,
        change: impl FnMut(E) -> F,
    ) -> Result<Self, ArrayError> {
        let elements = self.elements::<E>()?;
        let changed: Vec<F> = elements.iter().copied().map(change).collect();
        Self::new(self.shape.clone(), changed)
    }

    /// An array of the same shape: each element made of those at its place in this one and another.
    pub fn zip<E: Element, F: Element, G: Element>(
        &self,
        other: &Self,
        mut make: impl FnMut(E, F) -> G,
    ) -> Result<Self, ArrayError> {
        if self.shape != other.shape {
            return Err(self.apart(other));
        }
        let (one, other) = (self.elements::<E>()?, other.elements::<F>()?);
        let pairs = one.iter().zip(other.iter());
        let elements: Vec<G> = pairs.map(|(one, other)| make(*one, *other)).collect();
        Self::new(self.shape.clone(), elements)
    }

    /// The same elements with other extents, of which there are as many elements.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Result<Self, ArrayError> {
        Self::of_bytes(self.dtype, shape, self.bytes.clone())
    }

    /// These rows, which share their elements with all.
    pub fn slice(&self, rows: Range<usize>) -> Result<Self, ArrayError> {
        let wrong = || ArrayError::Rows {
            from: rows.start,
            to: rows.end,
            shape: self.shape.clone(),
        };
        let all = self.rows().ok_or_else(wrong)?;
        if rows.start > rows.end || rows.end > all {
            return Err(wrong());
        }
        let others = self.shape.iter().copied().skip(1);
        let shape = Shape::new(std::iter::once(rows.len()).chain(others));
        let (start, end) = (self.offset(rows.start)?, self.offset(rows.end)?);
        Ok(Self::known(self.dtype, shape, self.bytes.slice(start..end)))
    }

    /// Where the bytes of this row begin.
    fn offset(&self, row: usize) -> Result<usize, ArrayError> {
        let elements = self.len().checked_div(self.rows().unwrap_or(0));
        let before = elements.unwrap_or(0).saturating_mul(row);
        if let Some(size) = self.dtype.element_size() {
            return Ok(before.saturating_mul(size));
        }
        let mut rest: &[u8] = &self.bytes;
        for element in 0..before {
            let truncated = TensorDataError::Strings(strings::StringsError::Truncated { element });
            (_, rest) = strings::split_first(rest).ok_or(truncated)?;
        }
        Ok(self.bytes.len() - rest.len())
    }

    /// The rows of all of these, one after the other.
    pub fn stacked<'a>(arrays: impl IntoIterator<Item = &'a Self>) -> Result<Self, ArrayError> {
        let arrays: Vec<&Self> = arrays.into_iter().collect();
        let Some((first, others)) = arrays.split_first() else {
            return Self::new::<u8>([0], []);
        };
        if others.is_empty() {
            return Ok((*first).clone());
        }
        let is_like = |other: &&&Self| {
            other.dtype == first.dtype
                && other.rows().is_some()
                && other.shape.get(1..) == first.shape.get(1..)
        };
        if let Some(other) = others.iter().find(|other| !is_like(other)) {
            return Err(first.apart(other));
        }
        let rows = arrays.iter().filter_map(|array| array.rows()).sum();
        let extents = first.shape.iter().copied().skip(1);
        let shape = Shape::new(std::iter::once(rows).chain(extents));
        let pieces: Vec<&[u8]> = arrays.iter().map(|array| array.bytes.as_ref()).collect();
        Self::of_bytes(first.dtype, shape, pieces.concat())
    }

    /// This as one row, so many times.
    #[must_use]
    pub fn repeated(&self, rows: usize) -> Self {
        let extents = self.shape.iter().copied();
        let shape = Shape::new(std::iter::once(rows).chain(extents));
        Self::known(self.dtype, shape, self.bytes.repeat(rows).into())
    }

    fn apart(&self, other: &Self) -> ArrayError {
        ArrayError::Apart {
            one: self.kind(),
            other: other.kind(),
        }
    }

    /// Type and extents, for people.
    fn kind(&self) -> String {
        format!("{} {}", self.dtype, self.shape)
    }
}

/// What a runner gave, where the runner wrote it.
impl From<&nav_runners::Tensor> for Array {
    fn from(tensor: &nav_runners::Tensor) -> Self {
        let desc = &tensor.desc;
        Self::known(desc.dtype, desc.shape.clone(), tensor.bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn elements_of_every_type_come_back() {
        fn check<E: Element>(elements: &[E]) {
            let array = Array::new([elements.len()], elements).unwrap();
            assert_eq!((array.dtype(), array.len()), (E::DTYPE, elements.len()));
            assert_eq!(array.to_vec::<E>().unwrap(), elements);
        }
        check(&[true, false]);
        check(&[u8::MAX, 0]);
        check(&[u16::MAX, 1]);
        check(&[u32::MAX, 1]);
        check(&[u64::MAX, 1]);
        check(&[i8::MIN, 1]);
        check(&[i16::MIN, 1]);
        check(&[i32::MIN, 1]);
        check(&[i64::MIN, 1]);
        check(&[f16::MAX, f16::EPSILON]);
        check(&[bf16::MAX, bf16::EPSILON]);
        check(&[f32::MIN, f32::INFINITY]);
        check(&[f64::MIN, 0.1]);
    }

    #[test]
    fn a_vector_is_not_copied() {
        let numbers = vec![1.0_f32; 100];
        let place = numbers.as_ptr();
        let array = Array::new([100], numbers).unwrap();
        let Cow::Borrowed(elements) = array.elements::<f32>().unwrap() else {
            panic!("the elements were copied");
        };
        assert_eq!(elements.as_ptr(), place);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let check = |found: Result<Array, ArrayError>, expected: &str| {
            assert_eq!(found.unwrap_err().to_string(), expected);
        };
        check(
            Array::new([3], [1_i32, 2]),
            "INT32 of shape [3] takes 12 bytes, found 8",
        );
        check(
            Array::strings([2], ["a"]),
            "element 1 runs past the end of the data",
        );
        let floats = Array::new([2], [1.0_f32, 2.0]).unwrap();
        check(
            floats.map(|number: i32| number),
            "the elements are FP32, not INT32",
        );
        let three = Array::new([3], [1.0_f32, 2.0, 3.0]).unwrap();
        check(
            floats.zip(&three, |one: f32, other: f32| one + other),
            "arrays of FP32 [2] and FP32 [3] do not go together",
        );
        check(floats.slice(1..3), "there are no rows 1 to 3 in shape [2]");
        let bytes = Array::strings([1], [[0xff_u8]]).unwrap();
        assert_eq!(
            bytes.texts().unwrap_err().to_string(),
            "element 0 is no UTF-8 text"
        );
    }

    #[test]
    fn rows_are_cut_and_put_together_again() {
        let check = |array: &Array| {
            let rows = array.rows().unwrap();
            for cut in 0..=rows {
                let (one, other) = (
                    array.slice(0..cut).unwrap(),
                    array.slice(cut..rows).unwrap(),
                );
                assert_eq!(Array::stacked([&one, &other]).unwrap(), *array);
            }
        };
        check(&Array::new([3, 2], (0..6).collect::<Vec<i16>>()).unwrap());
        check(&Array::strings([3, 1], ["one", "", "three"]).unwrap());
        check(&Array::new::<f32>([2, 0], []).unwrap());
    }

    #[test]
    fn a_row_is_repeated_with_its_extents() {
        let row = Array::strings([2], ["a", "bc"]).unwrap();
        let rows = row.repeated(2);
        assert_eq!(rows.shape(), &Shape::from([2, 2]));
        assert_eq!(rows.texts().unwrap(), ["a", "bc", "a", "bc"]);
    }
}
