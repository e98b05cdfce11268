//! Where tensors lie in a slot: one after the other, each on a boundary that vector code likes.
//!
//! Pure arithmetic that cannot overflow. Both sides use it, for inputs and for outputs.

use smallvec::SmallVec;

/// Every tensor begins at a multiple of this; slots themselves begin at a page.
pub(crate) const ALIGNMENT: usize = 64;

/// The places of some tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Where each begins.
    pub(crate) offsets: SmallVec<[usize; 4]>,
    /// Where the last ends.
    pub(crate) total: usize,
}

impl Layout {
    /// The places of tensors of these sizes; `None` when no memory can hold them all.
    pub(crate) fn of(sizes: impl IntoIterator<Item = usize>) -> Option<Self> {
        let mut layout = Self::default();
        for size in sizes {
            let offset = layout.total.checked_next_multiple_of(ALIGNMENT)?;
            layout.offsets.push(offset);
            layout.total = offset.checked_add(size)?;
        }
        isize::try_from(layout.total).ok().map(|_| layout)
    }
}

/// One mutable slice for each place. `None` unless the places are in order, apart, and in the memory.
pub(crate) fn lend(
    memory: &mut [u8],
    places: impl IntoIterator<Item = (usize, usize)>,
) -> Option<SmallVec<[&mut [u8]; 4]>> {
    let mut slices = SmallVec::new();
    let (mut rest, mut position) = (memory, 0);
    for (offset, size) in places {
        let skip = offset.checked_sub(position)?;
        let (_, tail) = rest.split_at_mut_checked(skip)?;
        let (slice, tail) = tail.split_at_mut_checked(size)?;
        slices.push(slice);
        rest = tail;
        position = offset.checked_add(size)?;
    }
    Some(slices)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_beyond_the_address_space_have_no_layout() {
        assert_eq!(Layout::of([usize::MAX]), None);
        assert_eq!(Layout::of([1, usize::MAX - 64]), None);
        assert_eq!(Layout::of([isize::MAX as usize, 1]), None);
    }

    #[test]
    fn places_out_of_order_or_out_of_memory_are_not_lent() {
        let mut memory = [0; 100];
        assert!(lend(&mut memory, [(64, 8), (0, 8)]).is_none());
        assert!(lend(&mut memory, [(0, 65), (64, 8)]).is_none());
        assert!(lend(&mut memory, [(64, 37)]).is_none());
        assert!(lend(&mut memory, [(usize::MAX, usize::MAX)]).is_none());
        assert!(lend(&mut memory, [(0, 64), (64, 0), (64, 36)]).is_some());
    }

    proptest! {
        #[test]
        fn every_layout_is_aligned_apart_and_can_be_lent(
            sizes in prop::collection::vec(0_usize..300, 0..6),
        ) {
            let layout = Layout::of(sizes.iter().copied()).unwrap();
            let mut memory = vec![0; layout.total];
            prop_assert!(layout.offsets.iter().all(|offset| offset % ALIGNMENT == 0));
            let places = layout.offsets.iter().copied().zip(sizes.iter().copied());
            let slices = lend(&mut memory, places).unwrap();
            let lengths: Vec<_> = slices.iter().map(|slice| slice.len()).collect();
            prop_assert_eq!(lengths, sizes);
        }
    }
}
