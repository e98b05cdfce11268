//! The header of an array: magic, version, length, and what its literal says.

use std::io::{self, Read};

use super::element::Element;
use super::error::{ArrayError, ElementError, HeaderError};
use super::limits::Limits;
use super::literal;
use crate::Shape;

/// The first bytes of an array.
pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The most dimensions that NumPy can hold.
pub(super) const MAXIMUM_RANK: usize = 64;

/// What the elements are and how they lie.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) shape: Shape,
    /// Whether the first index runs fastest.
    pub(super) fortran_order: bool,
}

/// Reads a header and leaves the reader at the first element.
pub(super) fn read(reader: &mut impl Read, limits: &Limits) -> Result<Header, ArrayError> {
    let text = read_text(reader, limits)?;
    let literal = literal::parse(&text).map_err(ArrayError::Header)?;
    let descr = literal.descr.ok_or(ElementError::Structured)?;
    let element = Element::parse(&descr)?;
    if literal.shape.len() > MAXIMUM_RANK {
        return Err(ArrayError::TooManyDimensions {
            rank: literal.shape.len(),
            limit: MAXIMUM_RANK,
        });
    }
    // An extent that does not fit makes the size of the shape overflow too, unless another one is 0.
    let extents = literal.shape.into_iter();
    let shape: Shape = extents
        .map(|extent| usize::try_from(extent).unwrap_or(usize::MAX))
        .collect();
    Ok(Header {
        element,
        shape,
        fortran_order: literal.fortran_order,
    })
}

fn read_text(reader: &mut impl Read, limits: &Limits) -> Result<Vec<u8>, ArrayError> {
    if read_array(reader)? != *MAGIC {
        return Err(ArrayError::Header(HeaderError::Magic));
    }
    let [major, minor] = read_array(reader)?;
    let length = match (major, minor) {
        (1, 0) => u32::from(u16::from_le_bytes(read_array(reader)?)),
        (2 | 3, 0) => u32::from_le_bytes(read_array(reader)?),
        _ => return Err(ArrayError::Header(HeaderError::Version { major, minor })),
    };
    let too_long = || HeaderError::TooLong {
        length: u64::from(length),
        limit: limits.header_bytes,
    };
    let length = usize::try_from(length)
        .ok()
        .filter(|&length| length <= limits.header_bytes)
        .ok_or_else(|| ArrayError::Header(too_long()))?;
    let mut text = vec![0; length];
    reader.read_exact(&mut text).map_err(end_is_truncation)?;
    Ok(text)
}

fn read_array<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], ArrayError> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(end_is_truncation)?;
    Ok(bytes)
}

fn end_is_truncation(error: io::Error) -> ArrayError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArrayError::Header(HeaderError::Truncated),
        _ => ArrayError::Io(error),
    }
}
