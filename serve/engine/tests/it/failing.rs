//! What goes wrong in a model stays with the request that it went wrong for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nav_engine::{
    Batch, Callable, ErrorKind, Executor, FailureReason, InferError, InstanceState, ModelOptions,
    ModelSpec,
};
use nav_runners::LoadError;

use crate::subject::{NAME, answer, bytes, echo_all, engine, request, serving, shared, signature};

/// The byte that no model here can take.
const POISON: u8 = 13;

fn is_poisoned(batch: &Batch) -> bool {
    batch.calls().any(|call| bytes(call).contains(&POISON))
}

/// Sends eight requests that run together, the one at `place` poisoned, and checks that it fails alone.
fn check_poison(place: u8, fail: impl Fn() -> InferError + Send + Sync + 'static) {
    let (latch, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let engine = serving(ModelOptions::batched(8), move |batch| {
        let _closed = wait.lock().unwrap().recv();
        if is_poisoned(batch) {
            return Err(fail());
        }
        echo_all(batch)
    });
    let first = engine.infer(NAME, None, request(&[99]));
    let row = |index| if index == place { POISON } else { 100 + index };
    let replies: Vec<_> = (0..8)
        .map(|it| engine.infer(NAME, None, request(&[row(it)])))
        .collect();
    drop(latch);
    answer(first).unwrap();
    for (index, reply) in (0..8).zip(replies) {
        let answered = answer(reply);
        if index == place {
            assert_eq!(answered.unwrap_err().kind(), ErrorKind::Internal);
        } else {
            assert_eq!(answered.unwrap(), [row(index)]);
        }
    }
    let statistics = engine.model(NAME, None).unwrap().statistics();
    assert_eq!((statistics.success.count, statistics.fail.count), (8, 1));
    assert_eq!(statistics.failed(FailureReason::Backend), 1);
}

#[test]
fn a_poisoned_request_fails_alone_wherever_it_is_in_the_batch() {
    for place in 0..8 {
        check_poison(place, || InferError::model("it is poisoned"));
    }
}

#[test]
fn a_request_that_makes_the_model_panic_fails_alone_too() {
    for place in [0, 3, 7] {
        check_poison(place, || panic!("poisoned"));
    }
}

#[test]
fn a_panic_is_told_and_the_model_made_again() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let backend = Callable::new(signature(), move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let run = |batch: &mut Batch| {
            assert!(!is_poisoned(batch), "poisoned");
            echo_all(batch)
        };
        Ok(Box::new(run) as Box<dyn Executor>)
    });
    let engine = engine();
    engine
        .load(NAME, 1, ModelSpec::new(backend, ModelOptions::default()))
        .unwrap();
    let error = answer(engine.infer(NAME, None, request(&[POISON]))).unwrap_err();
    assert_eq!(error.to_string(), "model `subject` panicked: poisoned");
    assert_eq!(
        answer(engine.infer(NAME, None, request(&[1]))).unwrap(),
        [1]
    );
    assert_eq!(made.load(Ordering::SeqCst), 2);
    assert!(engine.is_ready());
}

#[test]
fn a_model_that_cannot_be_made_again_is_not_ready_and_says_why() {
    let may_be_made = shared(true);
    let switch = Arc::clone(&may_be_made);
    let backend = Callable::new(signature(), move |_| {
        if !*switch.lock().unwrap() {
            let reason = "the device is gone".to_owned();
            return Err(LoadError::Unavailable {
                runner: "Test".to_owned(),
                reason,
                how_to_get_it: String::new(),
            });
        }
        let run = |batch: &mut Batch| {
            assert!(!is_poisoned(batch), "poisoned");
            echo_all(batch)
        };
        Ok(Box::new(run) as Box<dyn Executor>)
    });
    let engine = engine();
    engine
        .load(NAME, 1, ModelSpec::new(backend, ModelOptions::default()))
        .unwrap();
    *may_be_made.lock().unwrap() = false;
    answer(engine.infer(NAME, None, request(&[POISON]))).unwrap_err();
    let error = answer(engine.infer(NAME, None, request(&[1]))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady);
    assert!(error.to_string().contains("the device is gone"), "{error}");
    assert!(!engine.is_ready());
    let model = engine.model(NAME, None).unwrap();
    let states = model.health().instances;
    assert!(
        matches!(states[..], [InstanceState::Down { .. }]),
        "{states:?}"
    );
    *may_be_made.lock().unwrap() = true;
    // It comes back by itself; whoever asks in the meantime is told that it is not there yet.
    let back = (0..10_000_000).find(|_| answer(engine.infer(NAME, None, request(&[1]))).is_ok());
    assert!(back.is_some() && engine.is_ready());
}

#[test]
fn calls_that_a_model_forgets_are_answered_for_it() {
    let engine = serving(ModelOptions::default(), |_| Ok(()));
    let error = answer(engine.infer(NAME, None, request(&[1]))).unwrap_err();
    assert_eq!(error.to_string(), "model `subject` gave no answer");
}

#[test]
fn each_call_of_a_batch_can_have_its_own_error() {
    let (latch, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let engine = serving(ModelOptions::batched(8), move |batch| {
        let _closed = wait.lock().unwrap().recv();
        let odd: Vec<bool> = batch.calls().map(|call| bytes(call)[0] % 2 == 1).collect();
        for (index, _) in odd.iter().enumerate().filter(|(_, is_odd)| **is_odd) {
            let error = InferError::Model {
                kind: ErrorKind::InvalidInput,
                message: "it is odd".into(),
            };
            batch.answer(index, Err(error));
        }
        // The first answer counts, so that these only fill in.
        echo_all(batch)
    });
    let replies: Vec<_> = (0..4)
        .map(|row| engine.infer(NAME, None, request(&[row])))
        .collect();
    drop(latch);
    let kinds: Vec<_> = replies
        .into_iter()
        .map(|it| answer(it).map_err(|it| it.kind()))
        .collect();
    let odd = Err(ErrorKind::InvalidInput);
    assert_eq!(kinds, [Ok(vec![0]), odd.clone(), Ok(vec![2]), odd]);
}

#[test]
fn a_request_that_breaks_the_model_again_and_again_is_not_run_any_more() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let engine = serving(ModelOptions::batched(4), move |batch| {
        count.fetch_add(1, Ordering::SeqCst);
        assert!(!is_poisoned(batch), "poisoned");
        echo_all(batch)
    });
    let ask = |byte| answer(engine.infer(NAME, None, request(&[byte])));
    for _ in 0..3 {
        assert_eq!(ask(POISON).unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(ask(1).unwrap(), [1]);
    }
    let before = runs.load(Ordering::SeqCst);
    let error = ask(POISON).unwrap_err();
    assert!(matches!(error, InferError::Quarantined { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(runs.load(Ordering::SeqCst), before);
    assert_eq!(ask(1).unwrap(), [1]);
}

#[test]
fn a_request_that_comes_through_in_between_is_not_to_blame() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let engine = serving(ModelOptions::default(), move |batch| {
        let run = count.fetch_add(1, Ordering::SeqCst);
        assert!(run % 3 == 2, "a bad moment");
        echo_all(batch)
    });
    for _ in 0..4 {
        let asked = || answer(engine.infer(NAME, None, request(&[1])));
        assert_eq!(asked().unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(asked().unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(asked().unwrap(), [1]);
    }
}
