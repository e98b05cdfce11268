//! Whose turn it is, told without threads and without a clock.

use proptest::prelude::*;

use super::*;
use crate::owner::Owner;

/// Sequences of numbers, which leave numbers, and a time that only moves when told to.
struct Bench {
    sequences: Sequences<u32, u32>,
    start: Instant,
}

fn part(id: u64, start: bool, end: bool) -> Correlation {
    let id = CorrelationId::Number(id);
    Correlation {
        id,
        start,
        end,
        owner: None,
    }
}

impl Bench {
    fn new(per_instance: usize, instances: usize) -> Self {
        let policy = SequencePolicy {
            per_instance,
            most: 4,
            idle: Duration::from_secs(10),
            states: vec![State::default()],
            ..SequencePolicy::default()
        };
        Self {
            sequences: Sequences::new(policy, instances, 5),
            start: Instant::now(),
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn arrive(
        &mut self,
        seconds: u64,
        part: &Correlation,
        item: u32,
    ) -> Result<Vec<(usize, u32)>, SequenceRefusal> {
        let mut due = Vec::new();
        let now = self.at(seconds);
        let arrived = self.sequences.arrive((part, 1), item, now, &mut due);
        let arrived = arrived.map_err(|(_, refusal)| refusal);
        arrived.map(|()| due.into_iter().map(|it| (it.instance, it.item)).collect())
    }

    /// What is due after this one left nothing.
    fn answered(&mut self, seconds: u64, id: u64) -> Vec<(usize, u32)> {
        let due = self.leave(seconds, id, None);
        due.into_iter().map(|it| (it.instance, it.item)).collect()
    }

    fn leave(&mut self, seconds: u64, id: u64, kept: Option<u32>) -> Vec<Due<u32, u32>> {
        let mut due = Vec::new();
        let now = self.at(seconds);
        let id = CorrelationId::Number(id);
        self.sequences.answered((&id, kept), now, &mut due);
        due
    }

    /// What a request is handed that comes now and has its turn at once.
    fn handed(&mut self, part: &Correlation) -> Option<u32> {
        let mut due = Vec::new();
        let now = self.at(0);
        let arrived = self.sequences.arrive((part, 1), 0, now, &mut due);
        assert_eq!((arrived, due.len()), (Ok(()), 1));
        due[0].kept
    }
}

#[test]
fn a_request_is_handed_what_the_one_before_it_left() {
    let mut bench = Bench::new(4, 1);
    let (first, next, last) = (
        part(7, true, false),
        part(7, false, false),
        part(7, false, true),
    );
    assert_eq!(bench.handed(&first), None);
    bench.arrive(0, &next, 1).unwrap();
    assert_eq!(bench.leave(0, 7, Some(5))[0].kept, Some(5));
    bench.leave(0, 7, Some(6));
    assert_eq!(bench.handed(&next), Some(6));
    bench.leave(0, 7, Some(7));
    // Another sequence, of the same name.
    assert_eq!(bench.handed(&first), None);
    bench.leave(0, 7, Some(8));
    assert_eq!(bench.handed(&last), Some(8));
    bench.leave(0, 7, Some(9));
    assert_eq!(bench.handed(&first), None);
}

#[test]
fn nothing_is_left_of_a_sequence_whose_new_beginning_was_withdrawn() {
    let mut bench = Bench::new(4, 1);
    let next = part(7, false, false);
    assert_eq!(bench.handed(&part(7, true, false)), None);
    bench.arrive(0, &part(7, true, false), 1).unwrap();
    bench.arrive(0, &next, 2).unwrap();
    assert_eq!(bench.sequences.withdraw(|item| *item == 1), Some(1));
    let due = bench.leave(0, 7, Some(5));
    assert_eq!((due[0].item, due[0].kept), (2, None));
    bench.leave(0, 7, Some(6));
    assert_eq!(bench.handed(&next), Some(6));
}

#[test]
fn what_is_kept_has_as_many_rows_as_the_sequence_began_with() {
    let mut bench = Bench::new(4, 1);
    let mut arrive = |start, rows| {
        let (part, now) = (part(7, start, false), bench.at(0));
        let arrived = bench
            .sequences
            .arrive((&part, rows), 0, now, &mut Vec::new());
        arrived.map_err(|(_, refusal)| refusal)
    };
    assert_eq!(arrive(true, 3), Ok(()));
    assert_eq!(arrive(false, 3), Ok(()));
    assert_eq!(arrive(false, 2), Err(SequenceRefusal::Rows(3)));
    assert_eq!(arrive(true, 2), Ok(()));
    assert_eq!(arrive(false, 3), Err(SequenceRefusal::Rows(2)));
}

#[test]
fn requests_of_a_sequence_run_one_after_the_other_where_it_began() {
    let mut bench = Bench::new(4, 2);
    assert_eq!(bench.arrive(0, &part(7, true, false), 1), Ok(vec![(0, 1)]));
    assert_eq!(bench.arrive(0, &part(8, true, false), 2), Ok(vec![(1, 2)]));
    assert_eq!(bench.arrive(0, &part(7, false, false), 3), Ok(vec![]));
    assert_eq!(bench.arrive(0, &part(7, false, true), 4), Ok(vec![]));
    assert_eq!(bench.answered(0, 7), [(0, 3)]);
    assert_eq!(bench.answered(0, 7), [(0, 4)]);
    assert_eq!(bench.answered(0, 7), []);
    let refused = bench.arrive(0, &part(7, false, false), 5);
    assert_eq!(refused, Err(SequenceRefusal::Unknown));
}

#[test]
fn after_its_end_a_sequence_needs_to_begin_again() {
    let mut bench = Bench::new(4, 1);
    assert_eq!(bench.arrive(0, &part(7, true, true), 1), Ok(vec![(0, 1)]));
    let refused = bench.arrive(0, &part(7, false, false), 2);
    assert_eq!(refused, Err(SequenceRefusal::Unknown));
    assert_eq!(bench.arrive(0, &part(7, true, false), 3), Ok(vec![]));
    assert_eq!(bench.answered(0, 7), [(0, 3)]);
}

#[test]
fn sequences_without_a_place_wait_for_one() {
    let mut bench = Bench::new(1, 1);
    assert_eq!(bench.arrive(0, &part(1, true, false), 1), Ok(vec![(0, 1)]));
    assert_eq!(bench.arrive(0, &part(2, true, false), 2), Ok(vec![]));
    assert_eq!(bench.arrive(0, &part(3, true, false), 3), Ok(vec![]));
    assert_eq!(bench.answered(0, 1), []);
    assert_eq!(bench.arrive(0, &part(1, false, true), 4), Ok(vec![(0, 4)]));
    assert_eq!(bench.answered(0, 1), [(0, 2)]);
}

#[test]
fn a_sequence_that_does_nothing_for_too_long_is_forgotten() {
    let mut bench = Bench::new(1, 1);
    bench.arrive(0, &part(1, true, false), 1).unwrap();
    bench.arrive(0, &part(2, true, false), 2).unwrap();
    // It runs, so that it is not idle however long that takes.
    assert_eq!(bench.arrive(60, &part(3, true, false), 3), Ok(vec![]));
    assert_eq!(bench.answered(60, 1), []);
    assert_eq!(
        bench.arrive(71, &part(3, false, false), 4),
        Ok(vec![(0, 2)])
    );
    let refused = bench.arrive(71, &part(1, false, false), 5);
    assert_eq!(refused, Err(SequenceRefusal::Unknown));
}

#[test]
fn it_is_known_when_the_next_sequence_may_be_forgotten() {
    let mut bench = Bench::new(4, 1);
    let next = |bench: &Bench, seconds| {
        let next = bench.sequences.next_idle(bench.at(seconds));
        next.map(|it| it.duration_since(bench.start).as_secs())
    };
    assert_eq!(next(&bench, 0), None);
    bench.arrive(0, &part(1, true, false), 1).unwrap();
    assert_eq!(next(&bench, 3), Some(13), "it runs");
    bench.answered(4, 1);
    bench.arrive(5, &part(2, true, false), 2).unwrap();
    bench.answered(6, 2);
    assert_eq!(next(&bench, 7), Some(14));
    bench.sequences.forget_idle(bench.at(14), &mut Vec::new());
    assert_eq!(next(&bench, 14), Some(16));
    bench.sequences.forget_idle(bench.at(16), &mut Vec::new());
    assert_eq!(next(&bench, 16), None);
}

#[test]
fn sequences_and_requests_that_wait_are_bounded() {
    let mut bench = Bench::new(1, 1);
    for id in 0..4 {
        bench.arrive(0, &part(id, true, false), 0).unwrap();
    }
    let refused = bench.arrive(0, &part(9, true, false), 0);
    assert_eq!(refused, Err(SequenceRefusal::Full(4)));
    for _ in 0..2 {
        bench.arrive(0, &part(0, false, false), 0).unwrap();
    }
    let refused = bench.arrive(0, &part(0, false, false), 0);
    assert_eq!(refused, Err(SequenceRefusal::Full(5)));
    assert_eq!(bench.sequences.take_out(|_| true).len(), 5);
    assert_eq!(bench.sequences.waiting, 0);
}

proptest! {
    #[test]
    fn every_request_has_its_turn_in_order_and_on_one_instance(
        arrivals in prop::collection::vec(0_u64..4, 1..60),
        places in 1_usize..3,
    ) {
        let policy = SequencePolicy { per_instance: places, ..SequencePolicy::default() };
        let mut sequences = Sequences::<_, ()>::new(policy, 2, 1000);
        let now = Instant::now();
        let mut due = Vec::new();
        let mut count = [0; 4];
        let totals = [0, 1, 2, 3].map(|id| arrivals.iter().filter(|&&it| it == id).count());
        for &id in &arrivals {
            let number = &mut count[usize::try_from(id).unwrap()];
            *number += 1;
            let total = totals[usize::try_from(id).unwrap()];
            let part = part(id, *number == 1, *number == total);
            sequences.arrive((&part, 1), (id, *number), now, &mut due).unwrap();
        }
        let mut ran: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut places: HashMap<u64, usize> = HashMap::new();
        while let Some(Due { instance, item: (id, number), .. }) = due.pop() {
            ran.entry(id).or_default().push(number);
            prop_assert_eq!(*places.entry(id).or_insert(instance), instance);
            sequences.answered((&CorrelationId::Number(id), None), now, &mut due);
        }
        for (id, total) in (0..).zip(totals) {
            let numbers = ran.remove(&id).unwrap_or_default();
            prop_assert_eq!(numbers, (1..=total).collect::<Vec<_>>());
        }
        prop_assert!(sequences.known.is_empty());
    }
}

#[test]
fn nobody_goes_on_with_or_begins_a_sequence_of_another_and_it_ends_with_its_owner() {
    let mut bench = Bench::new(1, 1);
    let (one, other) = (Owner::default(), Owner::default());
    let of = |owner: &Owner, id, start| Correlation {
        owner: Some(owner.clone()),
        ..part(id, start, false)
    };
    assert_eq!(bench.arrive(0, &of(&one, 7, true), 1), Ok(vec![(0, 1)]));
    assert_eq!(bench.answered(0, 7), []);
    for foreign in [
        of(&other, 7, false),
        of(&other, 7, true),
        part(7, true, false),
    ] {
        assert_eq!(bench.arrive(1, &foreign, 2), Err(SequenceRefusal::Foreign));
    }
    assert_eq!(bench.arrive(1, &of(&one, 7, false), 3), Ok(vec![(0, 3)]));
    // Its owner goes while it runs: until then it keeps its place, and its name.
    drop(one);
    assert_eq!(bench.arrive(1, &of(&other, 8, true), 4), Ok(vec![]));
    let foreign = of(&other, 7, true);
    assert_eq!(bench.arrive(1, &foreign, 5), Err(SequenceRefusal::Foreign));
    assert_eq!(bench.answered(1, 7), []);
    assert_eq!(bench.arrive(1, &of(&other, 9, true), 6), Ok(vec![(0, 4)]));
    assert_eq!(bench.arrive(1, &of(&other, 7, true), 7), Ok(vec![]));
}
