//! Models come, are replaced and go, and the engine ends, without a request that notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nav_engine::{
    Callable, ErrorKind, Executor, InferError, InstanceState, ModelError, ModelOptions, ModelSpec,
    ModelState, Response,
};
use nav_runners::LoadError;

use crate::subject::{
    Gate, NAME, PATIENCE, answer, busy, echo, echo_all, engine, request, serving, signature, spec,
};

/// A model that cannot be made.
fn broken() -> ModelSpec {
    let backend = Callable::new(signature(), |_| {
        Err(LoadError::Unavailable {
            runner: "Test".to_owned(),
            reason: "there is no such device".to_owned(),
            how_to_get_it: String::new(),
        })
    });
    ModelSpec::new(backend, ModelOptions::default())
}

fn states(engine: &nav_engine::Engine) -> Vec<(u64, ModelState)> {
    let index = engine.index().into_iter();
    index.map(|entry| (entry.version, entry.state)).collect()
}

#[test]
fn the_highest_version_answers_unless_another_is_asked_for() {
    let engine = engine();
    for version in [3, 1] {
        let add = u8::try_from(version).unwrap();
        let model = move |batch: &mut nav_engine::Batch| {
            let responses: Vec<Response> = batch
                .calls()
                .map(|call| {
                    let mut response = echo(call);
                    let tensor = &mut response.outputs[0];
                    tensor.bytes = tensor.bytes.iter().map(|byte| byte + add).collect();
                    response
                })
                .collect();
            for (index, response) in responses.into_iter().enumerate() {
                batch.answer(index, Ok(response));
            }
            Ok(())
        };
        engine
            .load(NAME, version, spec(ModelOptions::default(), model))
            .unwrap();
    }
    let ask = |version| answer(engine.infer(NAME, version, request(&[10])));
    assert_eq!(ask(None).unwrap(), [13]);
    assert_eq!(ask(Some(1)).unwrap(), [11]);
    assert_eq!(
        ask(Some(2)).unwrap_err().to_string(),
        "model `subject` has no version 2"
    );
    let error = answer(engine.infer("other", None, request(&[1]))).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::NotFound, "there is no model `other`".to_owned())
    );
}

#[test]
fn a_load_that_fails_says_why_and_leaves_the_old_one_serving() {
    let engine = serving(ModelOptions::default(), echo_all);
    let error = engine.load(NAME, 1, broken()).unwrap_err();
    assert!(
        matches!(error, ModelError::Instance { instance: 0, .. }),
        "{error}"
    );
    assert_eq!(
        answer(engine.infer(NAME, None, request(&[1]))).unwrap(),
        [1]
    );
    engine.load(NAME, 2, broken()).unwrap_err();
    let [
        (1, ModelState::Ready),
        (2, ModelState::Unavailable { reason }),
    ] = &states(&engine)[..]
    else {
        panic!("{:?}", states(&engine));
    };
    let expected =
        "instance 0 could not be made: runner Test is not available: there is no such device";
    assert_eq!(reason.as_ref(), expected);
    assert!(engine.is_ready());
}

#[test]
fn a_model_that_fails_its_first_request_is_not_served() {
    let engine = engine();
    let mut failing = spec(ModelOptions::default(), |_| {
        Err(InferError::model("too cold"))
    });
    failing.warm_up = vec![request(&[1])];
    let error = engine.load(NAME, 1, failing).unwrap_err();
    assert!(matches!(error, ModelError::WarmUp { .. }), "{error}");
    let mut working = spec(ModelOptions::default(), echo_all);
    working.warm_up = vec![request(&[1])];
    engine.load(NAME, 1, working).unwrap();
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!(
        (statistics.success.count, statistics.execution_count),
        (0, 0)
    );
}

#[test]
fn a_model_whose_making_panics_is_not_served() {
    let backend = Callable::new(signature(), |_| panic!("no"));
    let error = engine()
        .load(NAME, 1, ModelSpec::new(backend, ModelOptions::default()))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "instance 0 panicked while it was made: no"
    );
}

#[test]
fn no_request_fails_while_a_version_is_swapped() {
    let engine = serving(ModelOptions::batched(4), echo_all);
    let is_over = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..2_u8)
        .map(|asker| {
            let (engine, is_over) = (engine.clone(), Arc::clone(&is_over));
            let ask = move || {
                let mut count = 0;
                while !is_over.load(Ordering::SeqCst) {
                    // Both ways to ask: by name, and with a model in hand that may be replaced meanwhile.
                    let model = engine.model(NAME, None).unwrap();
                    assert_eq!(
                        answer(engine.infer(NAME, None, request(&[asker]))).unwrap(),
                        [asker]
                    );
                    assert_eq!(answer(model.infer(request(&[asker]))).unwrap(), [asker]);
                    count += 2;
                }
                count
            };
            thread::Builder::new().spawn(ask).unwrap()
        })
        .collect();
    for round in 0..50 {
        if round % 5 == 0 {
            engine.load(NAME, 1, broken()).unwrap_err();
        }
        engine
            .load(NAME, 1, spec(ModelOptions::batched(4), echo_all))
            .unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    let asked: usize = askers.into_iter().map(|it| it.join().unwrap()).sum();
    assert!(asked > 0);
}

#[test]
fn what_became_of_models_is_not_remembered_without_end() {
    const MOST: u64 = 1024;
    let engine = engine();
    let model = spec(ModelOptions::default(), echo_all);
    engine.load("served", 1, model).unwrap();
    for version in 1..=MOST + 3 {
        engine.load(NAME, version, broken()).unwrap_err();
    }
    let versions: Vec<u64> = states(&engine).iter().map(|it| it.0).collect();
    let mut expected: Vec<u64> = (4..=MOST + 3).collect();
    // That of the model that is served, whose name comes first.
    expected.insert(0, 1);
    assert_eq!(versions, expected);
    // What was tried again was not tried first.
    engine.load(NAME, 4, broken()).unwrap_err();
    engine.load(NAME, 1, broken()).unwrap_err();
    let versions: Vec<u64> = states(&engine).iter().map(|it| it.0).collect();
    assert!(versions.contains(&4) && !versions.contains(&5));
}

#[test]
fn what_was_asked_of_an_unloaded_model_is_answered() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let waiting = engine.infer(NAME, None, request(&[1]));
    let retired = engine.unload(NAME, None);
    assert_eq!(states(&engine), [(1, ModelState::Unloading)]);
    assert!(!retired.wait(Instant::now()));
    let error = answer(engine.infer(NAME, None, request(&[2]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    gate.go_on();
    gate.go_on();
    assert_eq!(
        (answer(first).unwrap(), answer(waiting).unwrap()),
        (vec![0], vec![1])
    );
    assert!(retired.wait(Instant::now() + PATIENCE));
    let reason = "unloaded".into();
    assert_eq!(states(&engine), [(1, ModelState::Unavailable { reason })]);
    assert!(engine.unload(NAME, None).is_empty());
}

#[test]
fn shutting_down_answers_what_is_in_flight_and_takes_nothing_more() {
    let (engine, gate, first) = busy(ModelOptions::batched(4));
    let waiting = engine.infer(NAME, None, request(&[1]));
    engine.begin_drain();
    assert!(!engine.is_ready());
    let error = answer(engine.infer(NAME, None, request(&[2]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady);
    let error = engine
        .load("other", 1, spec(ModelOptions::default(), echo_all))
        .unwrap_err();
    assert!(matches!(error, ModelError::ShuttingDown));
    gate.go_on();
    gate.go_on();
    assert!(engine.shut_down(Instant::now() + PATIENCE));
    assert_eq!(
        (answer(first).unwrap(), answer(waiting).unwrap()),
        (vec![0], vec![1])
    );
}

#[test]
fn at_the_deadline_those_who_still_wait_are_told() {
    let (engine, gate, first) = busy(ModelOptions::default());
    let waiting = engine.infer(NAME, None, request(&[1]));
    assert!(!engine.shut_down(Instant::now() + Duration::from_millis(1)));
    assert!(matches!(answer(waiting), Err(InferError::ShuttingDown)));
    gate.go_on();
    assert_eq!(answer(first).unwrap(), [0]);
}

#[test]
fn a_run_that_takes_too_long_makes_the_model_not_ready_until_it_ends() {
    let (engine, gate, first) = busy(ModelOptions {
        stuck_after: Duration::ZERO,
        ..ModelOptions::default()
    });
    assert!(!engine.is_ready());
    let states = engine.model(NAME, None).unwrap().health().instances;
    assert!(
        matches!(states[..], [InstanceState::Stuck { .. }]),
        "{states:?}"
    );
    gate.go_on();
    answer(first).unwrap();
    assert!(engine.is_ready());
}

#[test]
fn executors_never_leave_the_thread_that_made_them() {
    struct Homebody(thread::ThreadId);
    impl Executor for Homebody {
        fn execute(&mut self, batch: &mut nav_engine::Batch) -> Result<(), InferError> {
            assert_eq!(self.0, thread::current().id());
            echo_all(batch)
        }
    }
    impl Drop for Homebody {
        fn drop(&mut self) {
            assert_eq!(self.0, thread::current().id());
        }
    }
    let backend = Callable::new(signature(), |_| {
        Ok(Box::new(Homebody(thread::current().id())))
    });
    let engine = engine();
    engine
        .load(NAME, 1, ModelSpec::new(backend, ModelOptions::default()))
        .unwrap();
    assert_eq!(
        answer(engine.infer(NAME, None, request(&[1]))).unwrap(),
        [1]
    );
    assert!(engine.shut_down(Instant::now() + PATIENCE));
    let (_gate, model) = Gate::new();
    assert!(
        engine
            .load(NAME, 1, spec(ModelOptions::default(), model))
            .is_err()
    );
}
