//! What those who push and those who pull can rely on, with real threads.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::*;
use crate::options::BatchPolicy;

#[derive(Debug, PartialEq, Eq)]
struct Item(u32);

impl Waits for Item {
    fn rows(&self) -> usize {
        1
    }

    fn is_like(&self, _: &Self) -> bool {
        true
    }
}

fn options(max_batch: usize, delay: Duration) -> ModelOptions {
    ModelOptions {
        max_batch,
        batching: Some(BatchPolicy {
            delay,
            ..BatchPolicy::default()
        }),
        ..ModelOptions::default()
    }
}

fn push(queue: &Queue<Item>, number: u32) -> Result<Pushed, Refusal> {
    let arrival = Arrival {
        priority: 1,
        arrived: Instant::now(),
        timeout: None,
        deadline: None,
    };
    let pushed = queue.push(Item(number), arrival, |_, _| {});
    pushed.map_err(|(_, refusal)| refusal)
}

/// A thread that pulls until the queue is closed, and tells its batches.
fn puller(queue: &Arc<Queue<Item>>) -> JoinHandle<Vec<Vec<u32>>> {
    let queue = Arc::clone(queue);
    let pull = move || {
        let mut batches = Vec::new();
        loop {
            let mut batch = Vec::new();
            match queue.pull(None, &mut batch, &mut Vec::new()) {
                Pulled::Batch => batches.push(batch.iter().map(|item| item.0).collect()),
                Pulled::Closed => return batches,
                Pulled::Expired | Pulled::Nothing => {}
            }
        }
    };
    thread::Builder::new().spawn(pull).unwrap()
}

#[test]
fn every_request_is_pulled_once_whoever_pulls() {
    let queue = Arc::new(Queue::new(&options(3, Duration::ZERO)));
    let pullers: Vec<_> = (0..4).map(|_| puller(&queue)).collect();
    let pushers: Vec<_> = (0..4)
        .map(|pusher| {
            let queue = Arc::clone(&queue);
            let run = move || {
                for number in 0..200 {
                    push(&queue, pusher * 200 + number).unwrap();
                }
            };
            thread::Builder::new().spawn(run).unwrap()
        })
        .collect();
    for pusher in pushers {
        pusher.join().unwrap();
    }
    queue.close();
    let batches = pullers.into_iter().flat_map(|it| it.join().unwrap());
    let mut numbers: Vec<u32> = batches.flatten().collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..800).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_full_does_not_wait_for_its_delay() {
    let queue = Arc::new(Queue::new(&options(3, Duration::from_hours(1))));
    let pullers: Vec<_> = (0..2).map(|_| puller(&queue)).collect();
    for number in 0..6 {
        push(&queue, number).unwrap();
    }
    queue.close();
    let mut batches: Vec<_> = pullers
        .into_iter()
        .flat_map(|it| it.join().unwrap())
        .collect();
    batches.sort();
    assert_eq!(batches.iter().flatten().count(), 6);
}

#[test]
fn a_hurry_and_the_end_let_a_batch_go_that_waits() {
    let queue = Arc::new(Queue::new(&options(3, Duration::from_hours(1))));
    let puller = puller(&queue);
    push(&queue, 0).unwrap();
    queue.close();
    assert_eq!(puller.join().unwrap(), [[0]]);
    assert_eq!(push(&queue, 1).unwrap_err(), Refusal::Closed);

    let queue = Queue::new(&options(3, Duration::from_hours(1)));
    push(&queue, 0).unwrap();
    queue.hurry();
    let mut batch = Vec::new();
    assert_eq!(queue.pull(None, &mut batch, &mut Vec::new()), Pulled::Batch);
}

#[test]
fn an_impatient_puller_comes_back_with_nothing() {
    let queue = Queue::<Item>::new(&options(3, Duration::ZERO));
    let patience = Some(Duration::from_millis(1));
    let pulled = queue.pull(patience, &mut Vec::new(), &mut Vec::new());
    assert_eq!(pulled, Pulled::Nothing);
    push(&queue, 0).unwrap();
    let pulled = queue.pull(patience, &mut Vec::new(), &mut Vec::new());
    assert_eq!(pulled, Pulled::Batch);
    assert!(!queue.rest(Duration::from_millis(1)));
    queue.close();
    assert!(queue.rest(Duration::from_hours(1)));
}
