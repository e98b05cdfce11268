//! From the elements of a file to those of a tensor: byte order, index order, strings.

use super::element::{CHARACTER, Element, Kind};
use super::error::ArrayError;
use super::header::Header;
use super::order;
use crate::TensorData;

/// The tensor of these elements, of which there are as many as the header says.
pub(super) fn decode(header: Header, mut bytes: Vec<u8>) -> Result<TensorData, ArrayError> {
    let element = header.element;
    if header.fortran_order && header.shape.len() > 1 {
        bytes = order::row_major(&bytes, &header.shape, element.width)?;
    }
    if element.big_endian {
        let unit = match element.kind {
            Kind::Plain(_) => element.width,
            Kind::Bytes => 1,
            Kind::Unicode => CHARACTER,
        };
        bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
    if element.kind != Kind::Plain(element.dtype()) {
        bytes = strings(&bytes, element, header.shape.element_count()?)?;
    }
    Ok(TensorData::new(element.dtype(), header.shape, bytes)?)
}

/// The padded strings of a file as strings with their length before them.
fn strings(source: &[u8], element: Element, count: usize) -> Result<Vec<u8>, ArrayError> {
    // The caller has found this size to be within the limits.
    let most = source.len() + count * size_of::<u32>();
    let mut target = Vec::new();
    target
        .try_reserve_exact(most)
        .map_err(|_| ArrayError::OutOfMemory { bytes: most })?;
    for index in 0..count {
        let padded = &source[index * element.width..(index + 1) * element.width];
        let prefix = target.len();
        target.extend_from_slice(&[0; size_of::<u32>()]);
        let start = target.len();
        if element.kind == Kind::Unicode {
            push_characters(index, padded, &mut target)?;
        } else {
            let last = padded.iter().rposition(|&byte| byte != 0);
            target.extend_from_slice(&padded[..last.map_or(0, |last| last + 1)]);
        }
        let length = u32::try_from(target.len() - start).map_err(|_| {
            let width = element.width;
            ArrayError::StringTooLong { width }
        })?;
        target[prefix..start].copy_from_slice(&length.to_le_bytes());
    }
    target.shrink_to_fit();
    Ok(target)
}

/// Appends characters of four bytes each, but not the zeros after the last one, as UTF-8.
fn push_characters(element: usize, padded: &[u8], target: &mut Vec<u8>) -> Result<(), ArrayError> {
    let (characters, _) = padded.as_chunks::<CHARACTER>();
    let last = characters.iter().rposition(|&code| code != [0; CHARACTER]);
    for &code in &characters[..last.map_or(0, |last| last + 1)] {
        let code = u32::from_le_bytes(code);
        let character = char::from_u32(code).ok_or(ArrayError::NotText { element, code })?;
        target.extend_from_slice(character.encode_utf8(&mut [0; CHARACTER]).as_bytes());
    }
    Ok(())
}
