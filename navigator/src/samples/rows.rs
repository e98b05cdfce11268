//! Batches made of rows of other batches, over and over.

use nav_package_format::strings;
use nav_package_format::{DType, Shape, TensorData, TensorDataError};

/// Why no batch can be made of some tensors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// There is no row.
    #[error("there is no row to make a batch of")]
    Empty,
    /// The tensors do not agree in type or in the extents of a row.
    #[error("rows of {first} and {other} do not fit into one batch")]
    Unlike {
        /// The shape of the first.
        first: Shape,
        /// The shape that is unlike it.
        other: Shape,
    },
    /// What was made is no tensor.
    #[error(transparent)]
    Data(#[from] TensorDataError),
}

/// A batch of so many rows, which are the rows of these tensors in turn.
pub(super) fn batch(tensors: &[&TensorData], count: usize) -> Result<TensorData, RowsError> {
    let first = tensors.first().ok_or(RowsError::Empty)?;
    let mut rows: Vec<&[u8]> = Vec::new();
    for tensor in tensors {
        let alike = tensor.dtype() == first.dtype()
            && !tensor.shape().is_empty()
            && tensor.shape().get(1..) == first.shape().get(1..);
        if !alike {
            return Err(RowsError::Unlike {
                first: first.shape().clone(),
                other: tensor.shape().clone(),
            });
        }
        rows.extend(rows_of(tensor));
    }
    if rows.is_empty() {
        return Err(RowsError::Empty);
    }
    let bytes: Vec<u8> = rows
        .iter()
        .copied()
        .cycle()
        .take(count)
        .flatten()
        .copied()
        .collect();
    let extents = [count]
        .into_iter()
        .chain(first.shape().iter().copied().skip(1));
    Ok(TensorData::new(first.dtype(), extents.collect(), bytes)?)
}

fn rows_of(tensor: &TensorData) -> Vec<&[u8]> {
    let count = tensor.shape().first().copied().unwrap_or_default();
    if count == 0 {
        return Vec::new();
    }
    if tensor.dtype() != DType::Bytes {
        let size = tensor.bytes().len() / count;
        return (0..count)
            .filter_map(|row| tensor.bytes().get(row * size..(row + 1) * size))
            .collect();
    }
    let each: usize = tensor.shape().iter().skip(1).product();
    let mut rows = Vec::with_capacity(count);
    let mut rest = tensor.bytes();
    for _ in 0..count {
        let row = rest;
        for _ in 0..each {
            let Some((_, tail)) = strings::split_first(rest) else {
                break;
            };
            rest = tail;
        }
        rows.push(row.get(..row.len() - rest.len()).unwrap_or_default());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(shape: &[usize], elements: &[u8]) -> TensorData {
        TensorData::new(DType::Uint8, Shape::from(shape), elements.to_vec()).unwrap()
    }

    #[test]
    fn rows_are_taken_in_turn_and_over_again() {
        let (a, b) = (bytes(&[2, 2], &[1, 2, 3, 4]), bytes(&[1, 2], &[5, 6]));
        let check = |count: usize, expected: &[u8]| {
            assert_eq!(batch(&[&a, &b], count), Ok(bytes(&[count, 2], expected)));
        };
        check(1, &[1, 2]);
        check(4, &[1, 2, 3, 4, 5, 6, 1, 2]);
        let wide = bytes(&[1, 3], &[0; 3]);
        assert!(matches!(
            batch(&[&a, &wide], 2),
            Err(RowsError::Unlike { .. })
        ));
        assert_eq!(batch(&[&bytes(&[0, 2], &[])], 2), Err(RowsError::Empty));
        assert!(batch(&[&bytes(&[], &[1])], 2).is_err());
    }

    #[test]
    fn strings_stay_whole() {
        let data = strings::encode([b"ab".as_slice(), b"", b"c", b"def"]).unwrap();
        let tensor = TensorData::new(DType::Bytes, Shape::from([2, 2]), data).unwrap();
        let made = batch(&[&tensor], 3).unwrap();
        let found: Vec<&[u8]> = made.view().strings().collect();
        assert_eq!(found, [b"ab".as_slice(), b"", b"c", b"def", b"ab", b""]);
    }
}
