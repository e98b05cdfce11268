//! The queue under loom: no wake-up is lost, and nothing is pulled twice. Run with `RUSTFLAGS="--cfg loom"`.

use loom::sync::Arc;
use loom::thread;

use super::*;

struct Item(u32);

impl Waits for Item {
    fn rows(&self) -> usize {
        1
    }

    fn is_like(&self, _: &Self) -> bool {
        true
    }
}

fn push(queue: &Queue<Item>, number: u32) {
    let arrival = Arrival {
        priority: 1,
        arrived: Instant::now(),
        timeout: None,
        deadline: None,
    };
    assert!(queue.push(Item(number), arrival, |_, _| {}).is_ok());
}

/// Pulls until the queue is closed; the sum of what was pulled.
fn pull_all(queue: &Queue<Item>) -> u32 {
    let mut sum = 0;
    loop {
        let mut batch = Vec::new();
        match queue.pull(None, &mut batch, &mut Vec::new()) {
            Pulled::Batch => sum += batch.iter().map(|item| item.0).sum::<u32>(),
            Pulled::Closed => return sum,
            Pulled::Expired | Pulled::Nothing => {}
        }
    }
}

fn check(options: &ModelOptions) {
    let options = options.clone();
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let queue = Arc::new(Queue::new(&options));
        let pullers: Vec<_> = (0..2)
            .map(|_| {
                let queue = Arc::clone(&queue);
                thread::spawn(move || pull_all(&queue))
            })
            .collect();
        push(&queue, 1);
        push(&queue, 2);
        queue.close();
        let sum: u32 = pullers.into_iter().map(|it| it.join().unwrap()).sum();
        assert_eq!(sum, 3);
    });
}

#[test]
fn everything_is_pulled_once_by_whoever_is_there() {
    check(&ModelOptions::default());
}

#[test]
fn a_batch_that_waits_to_grow_is_pulled_when_it_is_full_or_the_queue_closes() {
    let mut options = ModelOptions::batched(2);
    options.batching = Some(crate::options::BatchPolicy {
        delay: Duration::from_hours(1),
        ..crate::options::BatchPolicy::default()
    });
    check(&options);
}
