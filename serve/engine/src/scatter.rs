//! The way out: each call's rows of the outputs, as slices of what the runner wrote. Nothing is copied.

use std::ops::Range;

use bytes::Bytes;
use nav_package_format::{DType, Shape, strings};
use nav_runners::{Tensor, TensorDesc};
use smallvec::SmallVec;

/// An output that does not hold as many rows as were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongRows;

/// One output, ready to be cut between rows.
pub(crate) struct Cutter<'output> {
    tensor: &'output Tensor,
    /// Bytes of a row, when all have the same.
    stride: usize,
    /// Where each row of byte strings begins, and the last one ends.
    starts: Vec<usize>,
}

impl<'output> Cutter<'output> {
    /// Prepares an output of this many rows.
    pub(crate) fn new(tensor: &'output Tensor, rows: usize) -> Result<Self, WrongRows> {
        let desc = &tensor.desc;
        if desc.shape.first() != Some(&rows) || tensor.bytes.len() != desc.byte_size {
            return Err(WrongRows);
        }
        let starts = if desc.dtype == DType::Bytes {
            starts(tensor, rows).ok_or(WrongRows)?
        } else {
            Vec::new()
        };
        Ok(Self {
            tensor,
            stride: desc.byte_size.checked_div(rows).unwrap_or(0),
            starts,
        })
    }

    /// These rows.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Tensor {
        let desc = &self.tensor.desc;
        let start = self.offset(rows.start);
        let end = self.offset(rows.end).max(start);
        let others = desc.shape.iter().copied().skip(1);
        Tensor {
            desc: TensorDesc {
                index: desc.index,
                dtype: desc.dtype,
                shape: Shape::new(std::iter::once(rows.len()).chain(others)),
                byte_size: end - start,
            },
            bytes: slice(&self.tensor.bytes, start..end),
        }
    }

    fn offset(&self, row: usize) -> usize {
        let end = self.tensor.bytes.len();
        if self.tensor.desc.dtype == DType::Bytes {
            self.starts.get(row).copied().unwrap_or(end)
        } else {
            row.saturating_mul(self.stride).min(end)
        }
    }
}

fn slice(bytes: &Bytes, range: Range<usize>) -> Bytes {
    if range.is_empty() {
        Bytes::new()
    } else {
        bytes.slice(range)
    }
}

fn starts(tensor: &Tensor, rows: usize) -> Option<Vec<usize>> {
    let elements = tensor.desc.shape.element_count().ok()?;
    let ranges = strings::ranges(&tensor.bytes, elements).ok()?;
    let per_row = elements.checked_div(rows).unwrap_or(0);
    let mut starts = Vec::with_capacity(rows + 1);
    for row in 0..rows {
        let before = (row * per_row).checked_sub(1);
        let start = before.map_or(Some(0), |last| Some(ranges.get(last)?.end));
        starts.push(start?);
    }
    starts.push(tensor.bytes.len());
    Some(starts)
}

/// All outputs, ready to be cut; the position of the one that cannot be.
pub(crate) fn cutters(outputs: &[Tensor], rows: usize) -> Result<SmallVec<[Cutter<'_>; 4]>, usize> {
    let cutters = outputs.iter().enumerate();
    cutters
        .map(|(position, tensor)| Cutter::new(tensor, rows).map_err(|WrongRows| position))
        .collect()
}

#[cfg(test)]
mod tests;
