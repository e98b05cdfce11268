//! Models that ask other models.

use std::time::Instant;

use nav_engine::{
    Batch, Engine, EnsembleSpec, EnsembleStep, ErrorKind, InferError, ModelError, ModelOptions,
    Response,
};
use nav_package_format::{DType, Dim, Signature, TensorSpec};

use crate::subject::{Gate, PATIENCE, answer, echo, echo_all, engine, request, spec};

fn step(model: &str, input: &str, output: &str) -> EnsembleStep {
    EnsembleStep {
        model: model.to_owned(),
        version: None,
        inputs: vec![("x".to_owned(), input.to_owned())],
        outputs: vec![("y".to_owned(), output.to_owned())],
    }
}

/// From `x` to these outputs.
fn ensemble(outputs: &[&str], steps: &[EnsembleStep]) -> EnsembleSpec {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Uint8,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    EnsembleSpec {
        signature: Signature {
            inputs: vec![spec("x")],
            outputs: outputs.iter().map(|name| spec(name)).collect(),
        },
        steps: steps.to_vec(),
        max_batch: 8,
        ..EnsembleSpec::default()
    }
}

/// Adds one to every byte, and fails for 13.
fn add_one(batch: &mut Batch) -> Result<(), InferError> {
    let calls: Vec<Response> = batch.calls().map(echo).collect();
    for (index, mut response) in calls.into_iter().enumerate() {
        let tensor = &mut response.outputs[0];
        if tensor.bytes.contains(&13) {
            return Err(InferError::model("unlucky"));
        }
        tensor.bytes = tensor.bytes.iter().map(|byte| byte + 1).collect();
        batch.answer(index, Ok(response));
    }
    Ok(())
}

fn serving_add_one() -> Engine {
    let engine = engine();
    engine
        .load("add", 1, spec(ModelOptions::batched(8), add_one))
        .unwrap();
    engine
}

#[test]
fn each_step_gets_what_others_give() {
    let engine = serving_add_one();
    let steps = [
        step("add", "b", "c"),
        step("add", "x", "a"),
        step("add", "a", "b"),
    ];
    engine
        .load_ensemble("three", 1, &ensemble(&["c", "a"], &steps))
        .unwrap();
    let response = engine
        .infer("three", None, request(&[1, 2]))
        .wait()
        .unwrap();
    let outputs: Vec<&[u8]> = response.outputs.iter().map(|it| &it.bytes[..]).collect();
    assert_eq!(outputs, [&[4, 5][..], &[2, 3]]);
    let mut wish = request(&[1]);
    wish.outputs.push("a".into());
    let response = engine.infer("three", None, wish).wait().unwrap();
    assert_eq!(response.output(1).unwrap().bytes[..], [2]);
    assert!(response.output(0).is_none());
    let statistics = engine.model("three", None).unwrap().statistics();
    assert_eq!(
        (statistics.success.count, statistics.inference_count),
        (2, 3)
    );
    assert!(engine.is_ready());
    assert_eq!(engine.requests_in_flight(), 0);
}

#[test]
fn an_ensemble_can_be_a_step_and_a_step_can_fail() {
    let engine = serving_add_one();
    engine
        .load_ensemble(
            "two",
            1,
            &ensemble(&["y"], &[step("add", "x", "a"), step("add", "a", "y")]),
        )
        .unwrap();
    engine
        .load_ensemble(
            "four",
            1,
            &ensemble(&["y"], &[step("two", "x", "a"), step("two", "a", "y")]),
        )
        .unwrap();
    assert_eq!(
        answer(engine.infer("four", None, request(&[1]))).unwrap(),
        [5]
    );
    let error = answer(engine.infer("four", None, request(&[11]))).unwrap_err();
    assert_eq!(error.to_string(), "unlucky");
    let statistics = engine.model("four", None).unwrap().statistics();
    assert_eq!((statistics.success.count, statistics.fail.count), (1, 1));
    engine.unload("add", None);
    let error = answer(engine.infer("four", None, request(&[1]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!engine.is_ready());
}

fn refusal(engine: &Engine, name: &str, spec: &EnsembleSpec) -> String {
    let error = engine.load_ensemble(name, 1, spec).unwrap_err();
    assert!(matches!(error, ModelError::Ensemble(_)), "{error}");
    error.to_string()
}

#[test]
fn ensembles_that_would_ask_themselves_are_refused() {
    let engine = serving_add_one();
    let of = |model: &str| ensemble(&["y"], &[step(model, "x", "y")]);
    let error = refusal(&engine, "self", &of("self"));
    assert_eq!(error, "it would ask itself, through model `self`");
    engine.load_ensemble("a", 1, &of("add")).unwrap();
    engine.load_ensemble("b", 1, &of("a")).unwrap();
    engine.load_ensemble("c", 1, &of("b")).unwrap();
    let error = refusal(&engine, "a", &of("c"));
    assert_eq!(error, "it would ask itself, through model `c`");
    assert_eq!(answer(engine.infer("c", None, request(&[1]))).unwrap(), [2]);
    let error = refusal(&engine, "d", &of("nobody"));
    assert_eq!(error, "step 0 asks model `nobody`, which is not served");
}

#[test]
fn a_full_queue_further_in_fails_the_request_and_holds_up_nobody() {
    let engine = engine();
    let (gate, model) = Gate::new();
    let options = ModelOptions {
        max_waiting: 1,
        ..ModelOptions::batched(1)
    };
    engine.load("inner", 1, spec(options, model)).unwrap();
    engine
        .load("echo", 1, spec(ModelOptions::batched(1), echo_all))
        .unwrap();
    let steps = [step("inner", "x", "b"), step("echo", "b", "y")];
    engine
        .load_ensemble("outer", 1, &ensemble(&["y"], &steps))
        .unwrap();
    let first = engine.infer("outer", None, request(&[1]));
    assert_eq!(gate.entered(), [[1]]);
    // One runs and one may wait further in, so that of these all but one are turned away.
    let replies: Vec<_> = (0..20)
        .map(|_| engine.infer("outer", None, request(&[2])))
        .collect();
    for _ in 0..2 {
        gate.go_on();
    }
    assert_eq!(answer(first).unwrap(), [1]);
    let answers: Vec<_> = replies.into_iter().map(answer).collect();
    let is_overload =
        |it: &Result<_, InferError>| matches!(it, Err(it) if it.kind() == ErrorKind::Overloaded);
    assert_eq!(answers.iter().filter(|it| is_overload(it)).count(), 19);
    assert!(engine.shut_down(Instant::now() + PATIENCE));
}

#[test]
fn a_caller_who_goes_away_takes_the_steps_along() {
    let engine = engine();
    let (gate, model) = Gate::new();
    engine
        .load("inner", 1, spec(ModelOptions::batched(1), model))
        .unwrap();
    engine
        .load_ensemble("outer", 1, &ensemble(&["y"], &[step("inner", "x", "y")]))
        .unwrap();
    let first = engine.infer("outer", None, request(&[1]));
    assert_eq!(gate.entered(), [[1]]);
    drop(engine.infer("outer", None, request(&[2])));
    assert_eq!(engine.model("inner", None).unwrap().waiting(), 0);
    let second = engine.infer("outer", None, request(&[3]));
    second.cancel_handle().cancel();
    assert_eq!(answer(second).unwrap_err().kind(), ErrorKind::Cancelled);
    gate.go_on();
    assert_eq!(answer(first).unwrap(), [1]);
    assert!(gate.is_quiet());
    assert_eq!(engine.requests_in_flight(), 0);
}

#[test]
fn steps_that_do_not_wait_for_each_other_run_side_by_side() {
    let engine = engine();
    let (gate, model) = Gate::new();
    let options = ModelOptions {
        instances: 2,
        ..ModelOptions::batched(1)
    };
    engine.load("inner", 1, spec(options, model)).unwrap();
    let steps = [step("inner", "x", "a"), step("inner", "x", "b")];
    engine
        .load_ensemble("outer", 1, &ensemble(&["a", "b"], &steps))
        .unwrap();
    let reply = engine.infer("outer", None, request(&[1]));
    assert_eq!([gate.entered(), gate.entered()], [[[1]], [[1]]]);
    gate.go_on();
    gate.go_on();
    assert_eq!(reply.wait().unwrap().outputs.len(), 2);
}
