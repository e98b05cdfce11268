//! Byte strings in memory: each element is its length as a little-endian `u32`, then its bytes.

use std::ops::Range;

/// How many bytes say how long an element is.
const PREFIX: usize = size_of::<u32>();

/// Why a buffer is not a sequence of byte strings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringsError {
    /// The buffer ends inside an element.
    #[error("element {element} runs past the end of the data")]
    Truncated {
        /// Which element.
        element: usize,
    },
    /// There are bytes after the last element.
    #[error("{extra} bytes are left over after {elements} elements")]
    LeftOver {
        /// How many elements there should be.
        elements: usize,
        /// How many bytes follow them.
        extra: usize,
    },
    /// An element is longer than its length prefix can say.
    #[error("element {element} has {length} bytes, more than a length prefix can say")]
    TooLong {
        /// Which element.
        element: usize,
        /// How long it is.
        length: usize,
    },
}

/// The first element, and what follows it; `None` when there is no whole one.
pub fn split_first(buffer: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, tail) = buffer.split_first_chunk::<PREFIX>()?;
    tail.split_at_checked(usize::try_from(u32::from_le_bytes(*prefix)).ok()?)
}

/// Hands each element and its place in the buffer to `visit`; there must be exactly `count`.
fn walk<'a>(
    buffer: &'a [u8],
    count: usize,
    mut visit: impl FnMut(&'a [u8], Range<usize>),
) -> Result<(), StringsError> {
    let mut rest = buffer;
    for element in 0..count {
        let (bytes, tail) = split_first(rest).ok_or(StringsError::Truncated { element })?;
        let end = buffer.len() - tail.len();
        visit(bytes, end - bytes.len()..end);
        rest = tail;
    }
    match rest.len() {
        0 => Ok(()),
        extra => Err(StringsError::LeftOver {
            elements: count,
            extra,
        }),
    }
}

/// Whether `buffer` holds exactly `count` elements.
pub fn check(buffer: &[u8], count: usize) -> Result<(), StringsError> {
    walk(buffer, count, |_, _| {})
}

/// Where in `buffer` each element lies; there must be exactly `count`.
pub fn ranges(buffer: &[u8], count: usize) -> Result<Vec<Range<usize>>, StringsError> {
    let mut ranges = Vec::with_capacity(capacity(buffer, count));
    walk(buffer, count, |_, range| ranges.push(range))?;
    Ok(ranges)
}

/// The elements of `buffer`, which must be exactly `count`.
pub fn decode(buffer: &[u8], count: usize) -> Result<Vec<&[u8]>, StringsError> {
    let mut elements = Vec::with_capacity(capacity(buffer, count));
    walk(buffer, count, |bytes, _| elements.push(bytes))?;
    Ok(elements)
}

/// An element takes at least its prefix, which bounds what a hostile count can make us reserve.
fn capacity(buffer: &[u8], count: usize) -> usize {
    count.min(buffer.len() / PREFIX)
}

/// One buffer that holds all of `elements`.
pub fn encode<E: AsRef<[u8]>>(
    elements: impl IntoIterator<Item = E>,
) -> Result<Vec<u8>, StringsError> {
    let mut buffer = Vec::new();
    for (element, bytes) in elements.into_iter().enumerate() {
        let bytes = bytes.as_ref();
        let length = u32::try_from(bytes.len()).map_err(|_| StringsError::TooLong {
            element,
            length: bytes.len(),
        })?;
        buffer.extend_from_slice(&length.to_le_bytes());
        buffer.extend_from_slice(bytes);
    }
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_buffer_that_is_short_or_long_is_refused() {
        assert_eq!(
            decode(&[3, 0, 0, 0, 1], 1),
            Err(StringsError::Truncated { element: 0 })
        );
        assert_eq!(
            decode(&[0, 0, 0], 1),
            Err(StringsError::Truncated { element: 0 })
        );
        assert_eq!(
            decode(&[0, 0, 0, 0, 9], 1),
            Err(StringsError::LeftOver {
                elements: 1,
                extra: 1
            })
        );
        assert_eq!(
            decode(&[], usize::MAX),
            Err(StringsError::Truncated { element: 0 })
        );
    }

    proptest! {
        #[test]
        fn decode_gives_back_what_encode_took(
            elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
        ) {
            let buffer = encode(&elements).unwrap();
            let decoded = decode(&buffer, elements.len()).unwrap();
            prop_assert_eq!(decoded, elements.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }

        #[test]
        fn no_buffer_makes_decode_panic(
            buffer in prop::collection::vec(any::<u8>(), 0..64),
            count in any::<usize>(),
        ) {
            if let Ok(elements) = decode(&buffer, count) {
                prop_assert_eq!(elements.len(), count);
            }
        }
    }
}
