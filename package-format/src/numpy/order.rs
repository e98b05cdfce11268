//! Reordering elements whose first index runs fastest, so that the last one does.

use super::error::ArrayError;

/// The elements of `source`, each `width` bytes, in row-major order.
pub(super) fn row_major(
    source: &[u8],
    shape: &[usize],
    width: usize,
) -> Result<Vec<u8>, ArrayError> {
    let mut target = Vec::new();
    target
        .try_reserve_exact(source.len())
        .map_err(|_| ArrayError::OutOfMemory {
            bytes: source.len(),
        })?;
    // Without elements there is nothing to do, and the steps below could overflow.
    if source.is_empty() {
        return Ok(target);
    }
    let mut step = width;
    let steps: Vec<usize> = shape
        .iter()
        .map(|&extent| {
            let own = step;
            step *= extent;
            own
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut offset = 0;
    while target.len() < source.len() {
        target.extend_from_slice(&source[offset..offset + width]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            offset += steps[axis];
            if index[axis] < shape[axis] {
                break;
            }
            offset -= steps[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_index_runs_fastest_afterwards() {
        let check = |source: &[u8], shape: &[usize], width, expected: &[u8]| {
            assert_eq!(row_major(source, shape, width).unwrap(), expected);
        };
        check(&[1, 4, 2, 5, 3, 6], &[2, 3], 1, &[1, 2, 3, 4, 5, 6]);
        check(
            &[1, 1, 3, 3, 2, 2, 4, 4],
            &[2, 2],
            2,
            &[1, 1, 2, 2, 3, 3, 4, 4],
        );
        check(
            &[0, 4, 2, 6, 1, 5, 3, 7],
            &[2, 2, 2],
            1,
            &[0, 1, 2, 3, 4, 5, 6, 7],
        );
        check(&[7], &[], 1, &[7]);
        check(&[], &[0, usize::MAX, usize::MAX], 8, &[]);
    }
}
