//! Requests that come together run together, and nobody can tell from the answers.

use nav_engine::{BatchPolicy, InferError, ModelOptions};
use std::time::Duration;

use crate::subject::{NAME, answer, busy, echo_all, request, serving};

#[test]
fn what_waits_while_the_model_is_busy_runs_together() {
    let (engine, gate, first) = busy(ModelOptions::batched(4));
    let waiting: Vec<_> = [&[1, 2][..], &[3], &[4], &[5]]
        .map(|rows| engine.infer(NAME, None, request(rows)))
        .into();
    gate.go_on();
    assert_eq!(answer(first).unwrap(), [0]);
    assert_eq!(gate.entered(), [&[1, 2][..], &[3], &[4]]);
    gate.go_on();
    assert_eq!(gate.entered(), [[5]]);
    gate.go_on();
    let answers: Vec<_> = waiting.into_iter().map(|it| answer(it).unwrap()).collect();
    assert_eq!(answers, [&[1, 2][..], &[3], &[4], &[5]]);
}

#[test]
fn a_full_batch_does_not_wait_for_its_delay() {
    let mut options = ModelOptions::batched(2);
    options.batching = Some(BatchPolicy {
        delay: Duration::from_hours(1),
        ..BatchPolicy::default()
    });
    let engine = serving(options, echo_all);
    let replies = [1, 2].map(|row| engine.infer(NAME, None, request(&[row])));
    assert_eq!(replies.map(|it| answer(it).unwrap()), [[1], [2]]);
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(statistics.batches.keys().collect::<Vec<_>>(), [&2]);
}

#[test]
fn without_batching_each_request_runs_alone() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let replies = [1, 2].map(|row| engine.infer(NAME, None, request(&[row])));
    gate.go_on();
    answer(first).unwrap();
    for expected in [[1], [2]] {
        assert_eq!(gate.entered(), [expected]);
        gate.go_on();
    }
    for reply in replies {
        answer(reply).unwrap();
    }
}

#[test]
fn a_request_larger_than_a_batch_is_refused() {
    let engine = serving(ModelOptions::batched(2), echo_all);
    let error = answer(engine.infer(NAME, None, request(&[1, 2, 3]))).unwrap_err();
    let expected = "the request has 3 rows, and a batch of this model takes 2";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, InferError::Request(_)));
}

#[test]
fn answers_leave_in_the_order_of_requests_where_that_is_promised() {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};

    let mut options = ModelOptions::batched(1);
    options.instances = 2;
    options.batching = Some(BatchPolicy {
        preserve_ordering: true,
        ..BatchPolicy::default()
    });
    // The first request waits in one instance until the other one has run the second.
    let (sender, second_ran) = channel();
    let (sender, second_ran) = (Mutex::new(sender), Mutex::new(second_ran));
    let ended = Arc::new(Mutex::new(Vec::new()));
    let order = Arc::clone(&ended);
    let engine = serving(options, move |batch| {
        let row = crate::subject::bytes(batch.calls().next().unwrap())[0];
        if row == 1 {
            second_ran.lock().unwrap().recv().unwrap();
        }
        order.lock().unwrap().push(row);
        if row == 2 {
            sender.lock().unwrap().send(()).unwrap();
        }
        echo_all(batch)
    });
    let first = engine.infer(NAME, None, request(&[1]));
    let second = engine.infer(NAME, None, request(&[2]));
    assert_eq!(answer(second).unwrap(), [2]);
    // The second answer could not leave before the first one, which so is there without waiting.
    assert_eq!(*ended.lock().unwrap(), [2, 1]);
    assert!(first.wait_until(std::time::Instant::now()).is_ok());
}

#[test]
fn a_deadline_shortens_the_wait_for_others() {
    let mut options = ModelOptions::batched(4);
    options.batching = Some(BatchPolicy {
        delay: Duration::from_hours(1),
        ..BatchPolicy::default()
    });
    let engine = serving(options, echo_all);
    let patient = engine.infer(NAME, None, request(&[1]));
    // Half of the time is for the wait. On a busy machine the other half may pass before it runs, unless that is longer.
    let urgent = [600, 6000, 60_000].into_iter().find_map(|milliseconds| {
        let mut wish = request(&[2]);
        wish.deadline = Some(std::time::Instant::now() + Duration::from_millis(milliseconds));
        answer(engine.infer(NAME, None, wish)).ok()
    });
    assert_eq!(urgent.unwrap(), [2]);
    assert_eq!(answer(patient).unwrap(), [1]);
}
