//! What becomes of requests that wait: limits, deadlines, and callers who go away.

use std::time::{Duration, Instant};

use nav_engine::{
    Engine, EngineOptions, ErrorKind, FailureReason, InferError, ModelOptions, QueuePolicy,
};

use crate::subject::{Gate, NAME, answer, busy, request, spec};

fn kind(error: &InferError) -> ErrorKind {
    error.kind()
}

#[test]
fn a_full_queue_turns_requests_away_at_once_and_says_when_to_come_back() {
    let (engine, gate, first) = busy(ModelOptions {
        max_waiting: 1,
        ..ModelOptions::default()
    });
    let waiting = engine.infer(NAME, None, request(&[1]));
    let error = answer(engine.infer(NAME, None, request(&[2]))).unwrap_err();
    assert_eq!(kind(&error), ErrorKind::Overloaded);
    assert!(error.retry_after().unwrap() > Duration::ZERO);
    gate.go_on();
    gate.go_on();
    assert_eq!(
        (answer(first).unwrap(), answer(waiting).unwrap()),
        (vec![0], vec![1])
    );
}

#[test]
fn a_caller_who_goes_away_frees_its_place_and_is_never_run() {
    let (engine, gate, first) = busy(ModelOptions {
        max_waiting: 1,
        ..ModelOptions::default()
    });
    drop(engine.infer(NAME, None, request(&[1])));
    let next = engine.infer(NAME, None, request(&[2]));
    gate.go_on();
    answer(first).unwrap();
    assert_eq!(gate.entered(), [[2]]);
    gate.go_on();
    answer(next).unwrap();
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(statistics.failed(FailureReason::Cancelled), 1);
    assert_eq!(engine.requests_in_flight(), 0);
}

#[test]
fn a_request_that_is_cancelled_is_answered_so() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let waiting = engine.infer(NAME, None, request(&[1]));
    let cancel = waiting.cancel_handle();
    cancel.cancel();
    assert_eq!(kind(&answer(waiting).unwrap_err()), ErrorKind::Cancelled);
    gate.go_on();
    answer(first).unwrap();
    cancel.cancel();
    assert!(gate.is_quiet());
}

#[test]
fn a_deadline_is_kept_while_every_instance_is_busy() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let mut wish = request(&[1]);
    wish.deadline = Some(Instant::now() + Duration::from_millis(2));
    let error = answer(engine.infer(NAME, None, wish)).unwrap_err();
    assert_eq!(kind(&error), ErrorKind::DeadlineExceeded);
    let mut wish = request(&[1]);
    wish.deadline = Some(Instant::now());
    let error = answer(engine.infer(NAME, None, wish)).unwrap_err();
    assert_eq!(kind(&error), ErrorKind::DeadlineExceeded);
    gate.go_on();
    answer(first).unwrap();
    assert!(gate.is_quiet());
}

#[test]
fn a_queue_policy_turns_away_those_that_waited_for_too_long() {
    let (engine, gate, first) = busy(ModelOptions {
        queue: QueuePolicy {
            default_timeout: Some(Duration::from_hours(1)),
            allow_timeout_override: true,
            ..QueuePolicy::default()
        },
        ..ModelOptions::default()
    });
    let mut wish = request(&[1]);
    wish.timeout = Some(Duration::from_millis(2));
    let error = answer(engine.infer(NAME, None, wish)).unwrap_err();
    assert!(matches!(error, InferError::Expired { .. }), "{error}");
    assert_eq!(error.reason(), FailureReason::Rejected);
    gate.go_on();
    answer(first).unwrap();
}

#[test]
fn the_bytes_of_all_requests_in_flight_are_bounded() {
    let options = EngineOptions {
        max_bytes: 3,
        max_requests: 100,
        ..EngineOptions::default()
    };
    let engine = Engine::new(options).unwrap();
    let (gate, model) = Gate::new();
    engine
        .load(NAME, 1, spec(ModelOptions::default(), model))
        .unwrap();
    let first = engine.infer(NAME, None, request(&[1, 2]));
    let error = answer(engine.infer(NAME, None, request(&[3, 4]))).unwrap_err();
    assert_eq!(kind(&error), ErrorKind::Overloaded);
    assert_eq!(
        (engine.requests_in_flight(), engine.bytes_in_flight()),
        (1, 2)
    );
    gate.go_on();
    answer(first).unwrap();
    assert_eq!(
        (engine.requests_in_flight(), engine.bytes_in_flight()),
        (0, 0)
    );
    gate.go_on();
    answer(engine.infer(NAME, None, request(&[3, 4]))).unwrap();
}

#[test]
fn the_first_priority_is_served_first() {
    let (engine, gate, first) = busy(ModelOptions {
        priority_levels: 2,
        default_priority: 2,
        ..ModelOptions::default()
    });
    let later = engine.infer(NAME, None, request(&[1]));
    let mut wish = request(&[2]);
    wish.priority = 1;
    let sooner = engine.infer(NAME, None, wish);
    for expected in [2, 1] {
        gate.go_on();
        assert_eq!(gate.entered(), [[expected]]);
    }
    gate.go_on();
    answer(first).unwrap();
    assert_eq!(
        (answer(later).unwrap(), answer(sooner).unwrap()),
        (vec![1], vec![2])
    );
}
