//! The parent's slots: shared memory for inputs, and for outputs that callers may keep.
//!
//! Knows who may use which memory when, and not how the child is told of it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use nav_native::shared_memory::{SharedMemory, SharedMemoryError};

use crate::frame::MAX_SLOTS;

/// How many outputs callers may keep at a time before they get copies instead.
const LENT_SLOTS: usize = 4;

/// Slots begin and end at pages.
const PAGE: usize = 4096;

/// Memory for outputs: slots that are lent to callers, and one for copies when all of those are out.
#[derive(Debug, Default)]
pub(super) struct OutputSlots {
    lent: [Option<Arc<SharedMemory>>; LENT_SLOTS],
    copied: Option<Arc<SharedMemory>>,
}

/// The slot for the outputs of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Its memory can be lent to the caller.
    Lent(usize),
    /// Its memory is needed again; the caller gets a copy.
    Copied,
}

impl Chosen {
    /// The slot's number.
    pub(super) fn number(self) -> u32 {
        match self {
            // There are so few that this never fails.
            Self::Lent(position) => u32::try_from(position).map_or(MAX_SLOTS, |slot| slot + 1),
            Self::Copied => MAX_SLOTS - 1,
        }
    }
}

/// Keeps a slot from being used again while a caller holds a part of it.
struct Guard(Arc<SharedMemory>);

impl AsRef<[u8]> for Guard {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl OutputSlots {
    /// A slot whose memory nobody uses, the ones with memory first.
    pub(super) fn choose(&mut self) -> Chosen {
        // A guard is the only other owner there can be, and nothing but the end of a guard can make an
        // owner of one go away, so a slot without guards stays free until it is lent below.
        let mut empty = None;
        for (position, slot) in self.lent.iter_mut().enumerate() {
            match slot.as_mut().map(|memory| Arc::get_mut(memory).is_some()) {
                Some(true) => return Chosen::Lent(position),
                Some(false) => {}
                None => empty = empty.or(Some(position)),
            }
        }
        empty.map_or(Chosen::Copied, Chosen::Lent)
    }

    /// The memory of a slot, where it has any.
    pub(super) fn memory(&self, chosen: Chosen) -> &[u8] {
        self.slot(chosen).map_or(&[], |memory| memory.as_slice())
    }

    /// Gives a slot new memory of at least this size; the old one lives on with whoever holds it. The
    /// file is for the child.
    pub(super) fn replace(
        &mut self,
        chosen: Chosen,
        size: usize,
    ) -> Result<(usize, OwnedFd), SharedMemoryError> {
        let had = self.memory(chosen).len();
        let (memory, file) = SharedMemory::create(grown(had, size))?;
        let size = memory.len();
        let slot = match chosen {
            Chosen::Lent(position) => self.lent.get_mut(position),
            Chosen::Copied => Some(&mut self.copied),
        };
        if let Some(slot) = slot {
            *slot = Some(Arc::new(memory));
        }
        Ok((size, file))
    }

    /// The first `length` bytes of a slot, for the caller to keep.
    pub(super) fn take(&self, chosen: Chosen, length: usize) -> Bytes {
        match (chosen, self.slot(chosen)) {
            (Chosen::Lent(_), Some(memory)) if length > 0 => {
                Bytes::from_owner(Guard(Arc::clone(memory)))
            }
            (Chosen::Copied, Some(memory)) => {
                Bytes::copy_from_slice(memory.as_slice().get(..length).unwrap_or_default())
            }
            _ => Bytes::new(),
        }
    }

    fn slot(&self, chosen: Chosen) -> Option<&Arc<SharedMemory>> {
        match chosen {
            Chosen::Lent(position) => self.lent.get(position)?.as_ref(),
            Chosen::Copied => self.copied.as_ref(),
        }
    }
}

/// The size of new memory: whole pages, and some more than is needed where there was less before, so
/// that inputs that grow little by little do not need new memory each time.
pub(super) fn grown(had: usize, needed: usize) -> usize {
    let spare = if had == 0 { 0 } else { needed / 4 };
    let size = needed.saturating_add(spare).max(1);
    size.checked_next_multiple_of(PAGE).unwrap_or(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::INPUT_SLOT;

    #[test]
    fn memory_that_a_caller_holds_is_not_used_again() {
        let mut slots = OutputSlots::default();
        let mut held = Vec::new();
        for expected in [0, 1, 2, 3].map(Chosen::Lent) {
            let chosen = slots.choose();
            assert_eq!(chosen, expected);
            slots.replace(chosen, 100).unwrap();
            held.push(slots.take(chosen, 100).slice(10..20));
        }
        assert_eq!(slots.choose(), Chosen::Copied);
        slots.replace(Chosen::Copied, 100).unwrap();
        let _copy = slots.take(Chosen::Copied, 100);
        assert_eq!(slots.choose(), Chosen::Copied);
        held.remove(2);
        assert_eq!(slots.choose(), Chosen::Lent(2));
    }

    #[test]
    fn a_free_slot_with_memory_is_chosen_before_one_without() {
        let mut slots = OutputSlots::default();
        slots.replace(Chosen::Lent(0), 100).unwrap();
        let held = slots.take(Chosen::Lent(0), 100);
        slots.replace(Chosen::Lent(1), 100).unwrap();
        assert_eq!(slots.choose(), Chosen::Lent(1));
        drop(held);
        assert_eq!(slots.choose(), Chosen::Lent(0));
    }

    #[test]
    fn replaced_memory_lives_on_with_whoever_holds_it() {
        let mut slots = OutputSlots::default();
        slots.replace(Chosen::Lent(0), 100).unwrap();
        let held = slots.take(Chosen::Lent(0), 100);
        slots.replace(Chosen::Lent(0), 10_000).unwrap();
        drop(slots);
        assert_eq!(held[..100], [0; 100]);
    }

    #[test]
    fn every_slot_has_a_number_of_its_own() {
        let chosen = [0, 1, 2, 3].map(Chosen::Lent);
        let mut numbers = vec![INPUT_SLOT, Chosen::Copied.number()];
        numbers.extend(chosen.map(Chosen::number));
        numbers.sort_unstable();
        assert_eq!(numbers, (0..MAX_SLOTS).collect::<Vec<_>>());
    }

    #[test]
    fn sizes_grow_by_pages_and_with_some_to_spare() {
        let check = |had, needed, expected| assert_eq!(grown(had, needed), expected);
        check(0, 0, 4096);
        check(0, 4097, 8192);
        check(4096, 16384, 20480);
        check(0, usize::MAX, usize::MAX);
    }
}
