//! Spreads the sessions of a step over the processors. The system does that by itself, but takes longer for it than a slice lasts:
//! threads that wake up together often share a processor for some milliseconds, with the other one idle.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Moves this thread to the processor of this number, counted among those that it may use, and leaves it free to move from there.
pub(super) fn begin_at(number: usize) {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let Some(processor) = choose(&allowed, number) else {
        return;
    };
    let mut there = CpuSet::new();
    there.set(processor);
    // What cannot be moved is measured where it is.
    if sched_setaffinity(None, &there).is_ok() {
        let _still_there = sched_setaffinity(None, &allowed);
    }
}

fn choose(allowed: &CpuSet, number: usize) -> Option<usize> {
    let usable = (0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor));
    let usable: Vec<usize> = usable.collect();
    let place = number.checked_rem(usable.len())?;
    usable.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_take_turns_over_the_processors_that_may_be_used() {
        let mut allowed = CpuSet::new();
        assert_eq!(choose(&allowed, 0), None);
        allowed.set(2);
        allowed.set(5);
        let chosen: Vec<_> = (0..4).map(|number| choose(&allowed, number)).collect();
        assert_eq!(chosen, [Some(2), Some(5), Some(2), Some(5)]);
    }

    #[test]
    fn a_thread_may_move_on_from_where_it_begins() {
        let before = sched_getaffinity(None).unwrap();
        begin_at(1);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
