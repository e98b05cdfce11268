//! Which requests make up a batch, told without threads and without a clock.

use proptest::prelude::*;

use super::*;
use crate::options::BatchPolicy;

/// Its kind, its rows and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item(char, usize, u32);

impl Waits for Item {
    fn rows(&self) -> usize {
        self.1
    }

    fn is_like(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// A queue, and a time that only moves when told to.
struct Bench {
    waiting: Waiting<Item>,
    start: Instant,
    count: u32,
}

impl Bench {
    fn new(options: &ModelOptions) -> Self {
        Self {
            waiting: Waiting::new(options),
            start: Instant::now(),
            count: 0,
        }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn arrival(&self, millis: u64, priority: u32) -> Arrival {
        Arrival {
            priority,
            arrived: self.at(millis),
            timeout: None,
            deadline: None,
        }
    }

    fn push_arrival(&mut self, kind: char, rows: usize, arrival: Arrival) -> Result<Ticket, Full> {
        let item = Item(kind, rows, self.count);
        self.count += 1;
        let pushed = self.waiting.push(item, arrival, |_, _| {});
        pushed.map(|(ticket, _)| ticket).map_err(|(_, full)| full)
    }

    fn push(&mut self, millis: u64, kind: char, rows: usize) -> Ticket {
        let arrival = self.arrival(millis, 1);
        self.push_arrival(kind, rows, arrival).unwrap()
    }

    /// The numbers of the next batch.
    fn take(&mut self, millis: u64) -> Result<Vec<u32>, Next> {
        let mut batch = Vec::new();
        match self.waiting.take(self.at(millis), false, &mut batch) {
            Next::Taken => Ok(batch.iter().map(|item| item.2).collect()),
            other => Err(other),
        }
    }

    fn expire(&mut self, millis: u64) -> Vec<u32> {
        let mut expired = Vec::new();
        self.waiting.expire(self.at(millis), &mut expired);
        expired.iter().map(|entry| entry.item.2).collect()
    }
}

fn batching(max_batch: usize, preferred: &[usize], delay: u64) -> ModelOptions {
    ModelOptions {
        max_batch,
        batching: Some(BatchPolicy {
            preferred_sizes: preferred.to_vec(),
            delay: Duration::from_millis(delay),
            preserve_ordering: false,
        }),
        ..ModelOptions::default()
    }
}

#[test]
fn without_batching_requests_run_one_by_one() {
    let mut bench = Bench::new(&ModelOptions::default());
    bench.push(0, 'a', 1);
    bench.push(0, 'a', 1);
    assert_eq!(bench.take(0), Ok(vec![0]));
    assert_eq!(bench.take(0), Ok(vec![1]));
    assert_eq!(bench.take(0), Err(Next::Empty));
}

#[test]
fn what_waits_goes_together_up_to_the_largest_batch() {
    let mut bench = Bench::new(&batching(4, &[], 0));
    for rows in [1, 2, 1, 3] {
        bench.push(0, 'a', rows);
    }
    assert_eq!(bench.take(0), Ok(vec![0, 1, 2]));
    assert_eq!(bench.take(0), Ok(vec![3]));
}

#[test]
fn only_those_that_are_alike_go_together_and_others_keep_their_turn() {
    let mut bench = Bench::new(&batching(4, &[], 0));
    for kind in ['a', 'b', 'a', 'b'] {
        bench.push(0, kind, 1);
    }
    assert_eq!(bench.take(0), Ok(vec![0, 2]));
    assert_eq!(bench.take(0), Ok(vec![1, 3]));
}

#[test]
fn one_that_does_not_fit_is_not_gone_around() {
    let mut bench = Bench::new(&batching(4, &[], 9));
    for rows in [3, 2, 1] {
        bench.push(0, 'a', rows);
    }
    assert_eq!(bench.take(0), Ok(vec![0]));
    assert_eq!(bench.take(9), Ok(vec![1, 2]));
}

#[test]
fn a_batch_waits_for_more_until_the_oldest_has_waited_enough() {
    let mut bench = Bench::new(&batching(4, &[], 5));
    bench.push(1, 'a', 1);
    bench.push(3, 'a', 1);
    assert_eq!(bench.take(3), Err(Next::Later(bench.at(6))));
    assert_eq!(bench.take(6), Ok(vec![0, 1]));
    bench.push(7, 'a', 3);
    assert!(!bench.waiting.may_be_enough());
    bench.push(7, 'a', 1);
    assert!(bench.waiting.may_be_enough());
    assert_eq!(bench.take(7), Ok(vec![2, 3]));
}

#[test]
fn a_batch_does_not_grow_until_one_of_it_expires() {
    let mut bench = Bench::new(&batching(4, &[], 100));
    bench.push(0, 'a', 1);
    let arrival = Arrival {
        deadline: Some(bench.at(30)),
        ..bench.arrival(10, 1)
    };
    bench.push_arrival('a', 1, arrival).unwrap();
    assert_eq!(bench.take(10), Err(Next::Later(bench.at(20))));
    assert_eq!(bench.take(20), Ok(vec![0, 1]));
}

#[test]
fn a_preferred_size_goes_at_once_and_the_largest_first() {
    let mut bench = Bench::new(&batching(8, &[2, 4], 5));
    for _ in 0..5 {
        bench.push(0, 'a', 1);
    }
    assert_eq!(bench.take(0), Ok(vec![0, 1, 2, 3]));
    assert_eq!(bench.take(0), Err(Next::Later(bench.at(5))));
    bench.push(1, 'a', 1);
    assert_eq!(bench.take(1), Ok(vec![4, 5]));
}

#[test]
fn nothing_waits_for_more_when_there_is_a_hurry() {
    let mut bench = Bench::new(&batching(4, &[], 1000));
    bench.push(0, 'a', 1);
    let mut batch = Vec::new();
    let now = bench.at(0);
    assert_eq!(bench.waiting.take(now, true, &mut batch), Next::Taken);
}

#[test]
fn the_first_level_is_served_first_and_fills_up_with_the_next() {
    let mut options = batching(3, &[], 0);
    options.priority_levels = 2;
    options.default_priority = 2;
    let mut bench = Bench::new(&options);
    for priority in [2, 2, 1, 1] {
        let arrival = bench.arrival(0, priority);
        bench.push_arrival('a', 1, arrival).unwrap();
    }
    assert_eq!(bench.take(0), Ok(vec![2, 3, 0]));
    assert_eq!(bench.take(0), Ok(vec![1]));
}

#[test]
fn a_queue_is_full_at_its_own_limit_and_at_that_of_all() {
    let mut options = ModelOptions {
        max_waiting: 3,
        priority_levels: 2,
        default_priority: 2,
        ..ModelOptions::default()
    };
    let queue = QueuePolicy {
        max_queue_size: Some(1),
        ..QueuePolicy::default()
    };
    options.level_queues.insert(1, queue);
    let mut bench = Bench::new(&options);
    let mut push = |priority| {
        let arrival = bench.arrival(0, priority);
        bench.push_arrival('a', 1, arrival).err()
    };
    assert_eq!([push(1), push(1)], [None, Some(Full(1))]);
    assert_eq!([push(2), push(2), push(2)], [None, None, Some(Full(3))]);
}

#[test]
fn requests_expire_by_policy_by_their_own_wish_and_by_deadline() {
    let policy = |allow_timeout_override| QueuePolicy {
        default_timeout: Some(Duration::from_millis(10)),
        allow_timeout_override,
        ..QueuePolicy::default()
    };
    let check = |allow, timeout: Option<u64>, deadline: Option<u64>, expected| {
        let options = ModelOptions {
            queue: policy(allow),
            ..ModelOptions::default()
        };
        let mut bench = Bench::new(&options);
        let arrival = Arrival {
            timeout: timeout.map(Duration::from_millis),
            deadline: deadline.map(|millis| bench.at(millis)),
            ..bench.arrival(0, 1)
        };
        bench.push_arrival('a', 1, arrival).unwrap();
        assert_eq!(bench.waiting.earliest(), Some(bench.at(expected)));
        assert_eq!(bench.expire(expected - 1), Vec::<u32>::new());
        assert_eq!(bench.expire(expected), [0]);
        assert_eq!((bench.waiting.len(), bench.waiting.earliest()), (0, None));
    };
    check(false, None, None, 10);
    check(false, Some(3), None, 10);
    check(true, Some(3), None, 3);
    check(true, Some(30), None, 10);
    check(true, Some(3), Some(2), 2);
    check(false, None, Some(20), 10);
}

#[test]
fn with_the_delay_action_a_late_request_stands_back_but_stays() {
    let options = ModelOptions {
        queue: QueuePolicy {
            timeout_action: TimeoutAction::Delay,
            default_timeout: Some(Duration::from_millis(10)),
            ..QueuePolicy::default()
        },
        ..ModelOptions::default()
    };
    let mut bench = Bench::new(&options);
    let late = bench.push(0, 'a', 1);
    bench.push(5, 'a', 1);
    assert_eq!(bench.expire(10), Vec::<u32>::new());
    bench.push(11, 'a', 1);
    assert_eq!(bench.take(11), Ok(vec![1]));
    assert_eq!(bench.take(11), Ok(vec![2]));
    assert_eq!(bench.waiting.withdraw(late).unwrap().item.2, 0);
    assert_eq!(bench.waiting.len(), 0);
}

#[test]
fn one_that_is_withdrawn_is_gone_and_only_once() {
    let mut bench = Bench::new(&batching(4, &[], 0));
    let tickets: Vec<Ticket> = (0..3).map(|_| bench.push(0, 'a', 1)).collect();
    assert_eq!(bench.waiting.withdraw(tickets[1]).unwrap().item.2, 1);
    assert!(bench.waiting.withdraw(tickets[1]).is_none());
    assert_eq!(bench.take(0), Ok(vec![0, 2]));
    assert!(bench.waiting.withdraw(tickets[0]).is_none());
}

proptest! {
    #[test]
    fn everyone_is_served_once_in_batches_that_are_alike_and_fit(
        arrivals in prop::collection::vec((prop::sample::select(vec!['a', 'b', 'c']), 0_usize..5, 1_u32..4), 0..60),
        preferred in prop::collection::vec(1_usize..=6, 0..3),
        delay in 0_u64..3,
    ) {
        let mut options = batching(6, &preferred, delay);
        options.priority_levels = 3;
        let mut bench = Bench::new(&options);
        for &(kind, rows, priority) in &arrivals {
            let arrival = bench.arrival(0, priority);
            bench.push_arrival(kind, rows, arrival).unwrap();
        }
        let mut served = Vec::new();
        while let Ok(batch) = bench.take(delay) {
            let of = |number: &u32| arrivals[*number as usize];
            let rows: usize = batch.iter().map(|number| of(number).1).sum();
            prop_assert!(rows <= 6);
            prop_assert!(batch.iter().all(|number| of(number).0 == of(&batch[0]).0));
            served.extend(batch);
        }
        served.sort_unstable();
        prop_assert_eq!(served, (0..bench.count).collect::<Vec<_>>());
        prop_assert_eq!((bench.waiting.len(), bench.waiting.rows), (0, 0));
    }

    /// The stated bound: a request at the head of its level is passed over by at most `passed_over_limit`
    /// batches, plus one for each other level that has been waiting for as long.
    #[test]
    fn no_level_is_passed_over_beyond_its_bound(
        limit in 1_u32..6,
        levels in 2_u32..5,
        flood in prop::collection::vec(1_u32..5, 200),
    ) {
        let options = ModelOptions {
            priority_levels: levels,
            passed_over_limit: limit,
            ..ModelOptions::default()
        };
        let mut bench = Bench::new(&options);
        let arrival = bench.arrival(0, levels);
        bench.push_arrival('a', 1, arrival).unwrap();
        for batches in 0.. {
            // One comes for each that is served, on some level above.
            let priority = flood[batches as usize].min(levels - 1);
            let arrival = bench.arrival(0, priority);
            bench.push_arrival('a', 1, arrival).unwrap();
            if bench.take(0) == Ok(vec![0]) {
                break;
            }
            prop_assert!(batches < limit + levels, "passed over {batches} times");
        }
    }
}
