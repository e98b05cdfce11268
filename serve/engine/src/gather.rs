//! The one copy on the way in: the frames of all calls of a batch, into the memory that a runner lends.

use nav_package_format::Shape;
use nav_runners::TensorDesc;
use smallvec::SmallVec;

use crate::call::Call;

/// Descriptions of the inputs of all calls, one after the other along the first dimension. The calls are
/// like each other; none gives nothing.
pub(crate) fn describe<'a>(mut calls: impl Iterator<Item = &'a Call>) -> SmallVec<[TensorDesc; 4]> {
    let Some(first) = calls.next() else {
        return SmallVec::new();
    };
    let mut descs: SmallVec<[TensorDesc; 4]> = first.descs.iter().cloned().collect();
    let Some(second) = calls.next() else {
        return descs;
    };
    let mut rows: SmallVec<[usize; 4]> = descs.iter().map(extent).collect();
    for call in std::iter::once(second).chain(calls) {
        for ((desc, rows), more) in descs.iter_mut().zip(&mut rows).zip(&call.descs) {
            *rows += extent(more);
            desc.byte_size = desc.byte_size.saturating_add(more.byte_size);
        }
    }
    for (desc, rows) in descs.iter_mut().zip(rows) {
        let others = desc.shape.iter().copied().skip(1);
        desc.shape = Shape::new(std::iter::once(rows).chain(others));
    }
    descs
}

fn extent(desc: &TensorDesc) -> usize {
    desc.shape.first().copied().unwrap_or(0)
}

/// Copies the frames of all calls into `memory`, one slice for each input. Whether they fill it exactly.
pub(crate) fn copy<'a>(
    calls: impl Iterator<Item = &'a Call>,
    mut memory: SmallVec<[&mut [u8]; 4]>,
) -> bool {
    for call in calls {
        for (frames, memory) in call.frames.iter().zip(&mut memory) {
            for frame in frames {
                let rest = std::mem::take(memory);
                let Some((place, rest)) = rest.split_at_mut_checked(frame.len()) else {
                    return false;
                };
                place.copy_from_slice(frame);
                *memory = rest;
            }
        }
    }
    memory.iter().all(|rest| rest.is_empty())
}

#[cfg(test)]
mod tests;
