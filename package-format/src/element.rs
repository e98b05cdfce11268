//! Elements of tensors as the types that programs have: which element type each is, and the way to and from bytes.
//!
//! Byte strings are not among them, since each takes as many bytes as it likes: see [`crate::strings`].

use std::borrow::Cow;
use std::fmt;

use half::{bf16, f16};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

use crate::DType;

#[cfg(not(target_endian = "little"))]
compile_error!("elements are little-endian, and so must the machine be");

/// A type whose values are elements of tensors.
pub trait Element:
    TryFromBytes
    + IntoBytes
    + Immutable
    + KnownLayout
    + Copy
    + Default
    + PartialEq
    + fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// What the elements of such a tensor are.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($element:ty => $dtype:ident),* $(,)?) => {
        $(impl Element for $element {
            const DTYPE: DType = DType::$dtype;
        })*
    };
}

elements! {
    bool => Bool,
    u8 => Uint8,
    u16 => Uint16,
    u32 => Uint32,
    u64 => Uint64,
    i8 => Int8,
    i16 => Int16,
    i32 => Int32,
    i64 => Int64,
    f16 => Fp16,
    bf16 => Bf16,
    f32 => Fp32,
    f64 => Fp64,
}

/// Why bytes cannot be seen as elements of some type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementsError {
    /// The tensor's elements are of another type.
    #[error("the elements are {found}, not {wanted}")]
    DType {
        /// What they are.
        found: DType,
        /// What they were taken for.
        wanted: DType,
    },
    /// The bytes hold no whole number of elements, or one that no element can be.
    #[error("the bytes are no elements of type {dtype}")]
    Bytes {
        /// What they should be.
        dtype: DType,
    },
}

/// These bytes, which are elements of this type, as what they are.
pub fn of_type<E: Element>(dtype: DType, bytes: &[u8]) -> Result<Cow<'_, [E]>, ElementsError> {
    if dtype == E::DTYPE {
        of_bytes(bytes)
    } else {
        Err(ElementsError::DType {
            found: dtype,
            wanted: E::DTYPE,
        })
    }
}

/// Elements where they lie; a copy of them if they lie where such elements cannot.
pub fn of_bytes<E: Element>(bytes: &[u8]) -> Result<Cow<'_, [E]>, ElementsError> {
    if let Ok(elements) = <[E]>::try_ref_from_bytes(bytes) {
        return Ok(Cow::Borrowed(elements));
    }
    let wrong = || ElementsError::Bytes { dtype: E::DTYPE };
    let chunks = bytes.chunks_exact(size_of::<E>());
    if !chunks.remainder().is_empty() {
        return Err(wrong());
    }
    let elements = chunks.map(|chunk| E::try_read_from_bytes(chunk).map_err(|_| wrong()));
    Ok(Cow::Owned(elements.collect::<Result<_, _>>()?))
}

/// The bytes of elements.
pub fn as_bytes<E: Element>(elements: &[E]) -> &[u8] {
    elements.as_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_type_but_byte_strings_has_its_elements() {
        let known = [
            bool::DTYPE,
            u8::DTYPE,
            u16::DTYPE,
            u32::DTYPE,
            u64::DTYPE,
            i8::DTYPE,
            i16::DTYPE,
            i32::DTYPE,
            i64::DTYPE,
            f16::DTYPE,
            bf16::DTYPE,
            f32::DTYPE,
            f64::DTYPE,
            DType::Bytes,
        ];
        assert_eq!(known, DType::ALL);
        let sizes = [
            size_of::<bool>(),
            size_of::<f16>(),
            size_of::<f32>(),
            size_of::<i64>(),
        ];
        let told = [DType::Bool, DType::Fp16, DType::Fp32, DType::Int64];
        assert_eq!(sizes.map(Some), told.map(DType::element_size));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(
            of_type::<f32>(DType::Int32, &[0; 4]),
            Err(ElementsError::DType {
                found: DType::Int32,
                wanted: DType::Fp32
            })
        );
        let wrong = |dtype| ElementsError::Bytes { dtype };
        let refused = of_bytes::<bool>(&[0, 1, 2]);
        assert_eq!(refused.unwrap_err(), wrong(DType::Bool));
        assert_eq!(of_bytes::<f32>(&[0; 7]).unwrap_err(), wrong(DType::Fp32));
    }

    #[test]
    fn elements_that_lie_right_are_not_copied() {
        let numbers = [1_u64, 2, 3];
        assert!(matches!(
            of_bytes::<u64>(as_bytes(&numbers)),
            Ok(Cow::Borrowed([1, 2, 3]))
        ));
    }

    proptest! {
        #[test]
        fn elements_are_the_same_wherever_they_lie(numbers in prop::collection::vec(any::<i32>(), 0..20), offset in 0_usize..4) {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(as_bytes(&numbers));
            let found = of_bytes::<i32>(&bytes[offset..]).unwrap();
            prop_assert_eq!(found.as_ref(), numbers.as_slice());
        }
    }
}
