//! Models that remember what came before, sequence by sequence.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use nav_engine::{
    Batch, Callable, Correlation, CorrelationId, Engine, ErrorKind, Executor, InferError,
    ModelOptions, ModelSpec, Request, Response, SequencePolicy,
};
use nav_runners::Tensor;

use crate::subject::{Gate, NAME, PATIENCE, answer, bytes, echo, engine, request, signature, spec};

fn options(policy: SequencePolicy) -> ModelOptions {
    ModelOptions {
        instances: 2,
        sequences: Some(policy),
        ..ModelOptions::batched(4)
    }
}

/// Each instance sums up the sequences that it sees.
fn summing() -> Engine {
    let backend = Callable::new(signature(), |_| {
        let sums: RefCell<HashMap<CorrelationId, u8>> = RefCell::default();
        let run = move |batch: &mut Batch| -> Result<(), InferError> {
            let mut responses = Vec::new();
            for call in batch.calls() {
                let part = call.correlation().unwrap();
                let mut sums = sums.borrow_mut();
                if part.start {
                    sums.remove(&part.id);
                }
                let sum = sums.entry(part.id.clone()).or_default();
                *sum += bytes(call)[0];
                let mut response = echo(call);
                response.outputs[0] = Tensor {
                    bytes: vec![*sum].into(),
                    ..response.outputs[0].clone()
                };
                responses.push(response);
            }
            for (index, response) in responses.into_iter().enumerate() {
                batch.answer(index, Ok::<Response, _>(response));
            }
            Ok(())
        };
        Ok(Box::new(run) as Box<dyn Executor>)
    });
    let engine = engine();
    let spec = ModelSpec::new(backend, options(SequencePolicy::default()));
    engine.load(NAME, 1, spec).unwrap();
    engine
}

fn part(id: u64, start: bool, end: bool, value: u8) -> Request {
    let mut request = request(&[value]);
    let id = CorrelationId::Number(id);
    request.correlation = Some(Correlation {
        id,
        start,
        end,
        owner: None,
    });
    request
}

#[test]
fn sequences_that_run_side_by_side_keep_to_themselves() {
    let engine = summing();
    let mut replies = Vec::new();
    for step in 0..5_u8 {
        for id in 0..8_u8 {
            let request = part(id.into(), step == 0, step == 4, id);
            replies.push((engine.infer(NAME, None, request), (step + 1) * id));
        }
    }
    for (reply, expected) in replies {
        assert_eq!(answer(reply).unwrap(), [expected]);
    }
    assert_eq!(engine.model(NAME, None).unwrap().waiting(), 0);
    assert!(engine.shut_down(Instant::now() + PATIENCE));
}

#[test]
fn a_request_must_belong_to_a_sequence_that_was_begun() {
    let engine = summing();
    let error = answer(engine.infer(NAME, None, request(&[1]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = answer(engine.infer(NAME, None, part(7, false, false, 1))).unwrap_err();
    let expected = "sequence 7 does not run, and the request does not begin it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn requests_of_one_sequence_never_share_a_batch_and_can_be_withdrawn() {
    let engine = engine();
    let (gate, model) = Gate::new();
    engine
        .load(NAME, 1, spec(options(SequencePolicy::default()), model))
        .unwrap();
    let first = engine.infer(NAME, None, part(7, true, false, 1));
    assert_eq!(gate.entered(), [[1]]);
    let replies: Vec<_> = (2..5)
        .map(|value| engine.infer(NAME, None, part(7, false, false, value)))
        .collect();
    assert_eq!(engine.model(NAME, None).unwrap().waiting(), 3);
    let mut replies = replies.into_iter();
    drop(replies.next());
    let mut late = part(7, false, false, 9);
    late.deadline = Some(Instant::now() + Duration::from_millis(2));
    let error = answer(engine.infer(NAME, None, late)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    gate.go_on();
    assert_eq!(answer(first).unwrap(), [1]);
    for (reply, value) in replies.zip(3..) {
        assert_eq!(gate.entered(), [[value]]);
        gate.go_on();
        assert_eq!(answer(reply).unwrap(), [value]);
    }
}

#[test]
fn a_sequence_that_waits_gets_the_place_of_one_that_does_nothing() {
    let engine = engine();
    let policy = SequencePolicy {
        per_instance: 1,
        idle: Duration::from_millis(1),
        ..SequencePolicy::default()
    };
    engine
        .load(NAME, 1, spec(options(policy), crate::subject::echo_all))
        .unwrap();
    // Nobody ends these, and the last one has to wait until the others are forgotten.
    let replies: Vec<_> = (1..4)
        .map(|id| engine.infer(NAME, None, part(id, true, false, 5)))
        .collect();
    for reply in replies {
        assert_eq!(answer(reply).unwrap(), [5]);
    }
}
