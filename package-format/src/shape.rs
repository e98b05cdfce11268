//! Concrete shapes: how many elements and bytes a tensor has, computed without overflow.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::DType;

/// The extents of a tensor. A scalar has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(SmallVec<[usize; 4]>);

/// A shape whose size cannot be represented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tensor of shape {shape} has more elements or bytes than this machine can address")]
pub struct ShapeError {
    /// The shape as given.
    pub shape: Shape,
}

impl Shape {
    /// A shape of these extents.
    pub fn new(extents: impl IntoIterator<Item = usize>) -> Self {
        Self(extents.into_iter().collect())
    }

    /// How many elements there are: 1 for a scalar, 0 when any extent is 0.
    pub fn element_count(&self) -> Result<usize, ShapeError> {
        // An extent of 0 makes the count 0 whatever the others are, so it must win over an overflow.
        if self.0.contains(&0) {
            return Ok(0);
        }
        self.0
            .iter()
            .try_fold(1_usize, |count, &extent| count.checked_mul(extent))
            .ok_or_else(|| ShapeError {
                shape: self.clone(),
            })
    }

    /// How many bytes its elements take; `None` for byte strings, whose elements vary.
    pub fn byte_size(&self, dtype: DType) -> Result<Option<usize>, ShapeError> {
        let count = self.element_count()?;
        let Some(size) = dtype.element_size() else {
            return Ok(None);
        };
        match count
            .checked_mul(size)
            .filter(|&bytes| isize::try_from(bytes).is_ok())
        {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(ShapeError {
                shape: self.clone(),
            }),
        }
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(extents: I) -> Self {
        Self::new(extents)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(extents: [usize; N]) -> Self {
        Self::new(extents)
    }
}

impl From<&[usize]> for Shape {
    fn from(extents: &[usize]) -> Self {
        Self(SmallVec::from_slice(extents))
    }
}

/// `[2,3]`, the way NumPy users read shapes.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (position, extent) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{extent}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scalar_has_one_element_and_a_zero_extent_none() {
        assert_eq!(Shape::default().element_count(), Ok(1));
        assert_eq!(Shape::from([3, 0, usize::MAX]).element_count(), Ok(0));
    }

    #[test]
    fn sizes_beyond_the_address_space_are_errors() {
        let shape = Shape::from([usize::MAX / 2, 3]);
        assert_eq!(
            shape.element_count(),
            Err(ShapeError {
                shape: shape.clone()
            })
        );
        let shape = Shape::from([usize::MAX / 8]);
        assert_eq!(
            shape.byte_size(DType::Fp64),
            Err(ShapeError {
                shape: shape.clone()
            })
        );
    }

    #[test]
    fn byte_strings_have_no_fixed_size() {
        assert_eq!(Shape::from([2]).byte_size(DType::Bytes), Ok(None));
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_wide_arithmetic(extents in prop::collection::vec(0_usize..=usize::MAX, 0..5)) {
            let exact = extents.iter().try_fold(1_u128, |count, &extent| count.checked_mul(extent as u128));
            let exact = if extents.contains(&0) { Some(0) } else { exact };
            let expected = exact.and_then(|count| usize::try_from(count).ok());
            prop_assert_eq!(Shape::new(extents).element_count().ok(), expected);
        }
    }
}
