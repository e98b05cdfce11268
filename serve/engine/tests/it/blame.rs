//! Which requests of sequences are to blame for what they break, where the engine fills in what clients do not send.

use std::time::{Duration, Instant};

use bytes::Bytes;
use nav_engine::{
    Batch, Call, Callable, Control, ControlInput, Correlation, CorrelationId, Engine, Flag,
    InferError, ModelOptions, ModelSpec, Parameter, Request, Response, SequencePolicy, State,
    Tensor, TensorDesc,
};
use nav_package_format::{DType, Dim, Signature, TensorSpec};

use crate::subject::{NAME, PATIENCE, engine};

/// A sum that the model breaks at.
const BAD: u8 = 13;

/// Clients know `x` and `y` alone, and neither is the first of the model.
fn signature() -> Signature {
    let spec = |(name, dtype): (&str, DType)| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, Dim::Fixed(1)]),
        optional: name == "id",
    };
    Signature {
        inputs: [
            ("id", DType::Uint64),
            ("sum_before", DType::Uint8),
            ("x", DType::Uint8),
            ("start", DType::Bool),
        ]
        .map(spec)
        .to_vec(),
        outputs: [("sum_after", DType::Uint8), ("y", DType::Uint8)]
            .map(spec)
            .to_vec(),
    }
}

/// A model that adds up what it is sent and breaks at a sum, and is told what its sequences are called or not.
fn serving(tells_names: bool) -> Engine {
    let run = |batch: &mut Batch| {
        let answers: Vec<_> = batch.calls().map(summed).collect();
        for (index, answer) in answers.into_iter().enumerate() {
            batch.answer(index, Ok(answer));
        }
        Ok(())
    };
    let control = |name: &str, control| ControlInput {
        name: name.into(),
        control,
    };
    let mut controls = vec![control("start", Control::Start(Flag::bool(false, true)))];
    if tells_names {
        controls.push(control("id", Control::CorrelationId(DType::Uint64)));
    }
    let policy = SequencePolicy {
        idle: Duration::from_mins(1),
        controls,
        states: vec![State {
            input: "sum_before".into(),
            output: "sum_after".into(),
            ..State::default()
        }],
        ..SequencePolicy::default()
    };
    let options = ModelOptions {
        sequences: Some(policy),
        ..ModelOptions::batched(4)
    };
    let engine = engine();
    let backend = Callable::shared(signature(), run);
    let spec = ModelSpec::new(backend, options);
    engine.load(NAME, 1, spec).unwrap();
    engine
}

fn summed(call: &Call) -> Response {
    let input = |index: usize| call.input(index).unwrap();
    let sum = input(1).contiguous()[0] + input(2).contiguous()[0];
    assert_ne!(sum, BAD, "bad");
    let tensor = |index| Tensor {
        desc: TensorDesc {
            index,
            ..input(2).desc.clone()
        },
        bytes: Bytes::from(vec![sum]),
    };
    Response::new([tensor(0), tensor(1)])
}

fn part(id: u64, flags: &str, x: u8) -> Request {
    let mut request = Request::new().with_input("x", DType::Uint8, [1, 1], vec![x]);
    request.outputs.push("y".into());
    request.correlation = Some(Correlation {
        id: CorrelationId::Number(id),
        start: flags.contains('s'),
        end: flags.contains('e'),
        owner: None,
    });
    request
}

/// What becomes of a request: the sum, or in a word what is wrong.
fn outcome(engine: &Engine, request: Request) -> String {
    let reply = engine.infer(NAME, None, request);
    match reply.wait_until(Instant::now() + PATIENCE).unwrap() {
        Ok(response) => response.outputs[0].bytes[0].to_string(),
        Err(InferError::Panicked { .. }) => "broke".to_owned(),
        Err(InferError::Quarantined { .. }) => "refused".to_owned(),
        Err(other) => other.to_string(),
    }
}

/// Sends requests of sequences (name, flags, number) one after the other.
fn check(engine: &Engine, steps: &[((u64, &str, u8), &str)]) {
    for (step, ((id, flags, x), expected)) in steps.iter().enumerate() {
        let outcome = outcome(engine, part(*id, flags, *x));
        assert_eq!(&outcome, expected, "step {step}");
    }
}

#[test]
fn what_begins_a_sequence_and_breaks_the_model_is_not_run_whatever_its_sequence_is_called() {
    check(
        &serving(false),
        &[
            ((1, "s", BAD), "broke"),
            ((2, "s", BAD), "broke"),
            ((3, "s", BAD), "broke"),
            ((4, "s", BAD), "refused"),
            ((3, "s", BAD), "refused"),
            // The same, but that its sequence ends as well, is another request.
            ((4, "se", BAD), "broke"),
            ((4, "s", 1), "1"),
            ((4, "", BAD - 2), "12"),
        ],
    );
}

#[test]
fn where_the_model_is_told_it_the_name_may_be_to_blame() {
    check(
        &serving(true),
        &[
            ((1, "s", BAD), "broke"),
            ((1, "s", BAD), "broke"),
            ((2, "s", BAD), "broke"),
            ((1, "s", BAD), "broke"),
            ((1, "s", BAD), "refused"),
            ((2, "s", BAD), "broke"),
        ],
    );
}

#[test]
fn what_goes_on_with_a_sequence_is_to_blame_there_only() {
    check(
        &serving(false),
        &[
            ((1, "s", BAD - 1), "12"),
            ((1, "", 1), "broke"),
            ((1, "", 1), "broke"),
            ((1, "", 1), "broke"),
            ((1, "", 1), "refused"),
            ((1, "", 2), "14"),
            ((2, "s", 1), "1"),
            ((2, "", 1), "2"),
        ],
    );
}

#[test]
fn what_comes_through_in_a_sequence_is_forgiven() {
    let broken = ((1, "", 1), "broke");
    let began = ((1, "s", BAD - 1), "12");
    let well = [((1, "s", 1), "1"), ((1, "", 1), "2")];
    let steps = [
        &[began, broken, broken][..],
        &well,
        &[began, broken, broken, broken],
    ]
    .concat();
    check(&serving(false), &steps);
}

#[test]
fn what_else_is_said_may_be_to_blame() {
    let engine = serving(false);
    let with = |value: bool| {
        let mut request = part(1, "s", BAD);
        request.parameters = vec![("fast".into(), Parameter::Bool(value))];
        request
    };
    for _ in 0..3 {
        assert_eq!(outcome(&engine, with(true)), "broke");
    }
    assert_eq!(outcome(&engine, with(true)), "refused");
    assert_eq!(outcome(&engine, with(false)), "broke");
}
