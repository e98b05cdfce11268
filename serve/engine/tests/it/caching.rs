//! Responses that are kept are given without running the model, and to nobody whom they were not meant for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nav_engine::{
    Correlation, CorrelationId, Engine, EngineOptions, InferError, ModelOptions, ModelSpec,
};
use nav_package_format::Digest;

use crate::subject::{NAME, answer, bytes, echo_all, request, spec};

/// A model that counts its runs and fails for 13.
fn counting(runs: &Arc<AtomicUsize>) -> ModelSpec {
    let runs = Arc::clone(runs);
    let options = ModelOptions {
        cache: true,
        ..ModelOptions::default()
    };
    spec(options, move |batch| {
        runs.fetch_add(1, Ordering::SeqCst);
        if bytes(batch.calls().next().unwrap())[0] == 13 {
            return Err(InferError::model("no"));
        }
        echo_all(batch)
    })
}

fn caching_engine() -> Engine {
    let options = EngineOptions {
        cache_bytes: 1 << 20,
        ..EngineOptions::default()
    };
    Engine::new(options).unwrap()
}

#[test]
fn the_same_request_runs_once() {
    let (engine, runs) = (caching_engine(), Arc::default());
    engine.load(NAME, 1, counting(&runs)).unwrap();
    for _ in 0..3 {
        for row in [1, 2] {
            let reply = engine.infer(NAME, None, request(&[row]));
            assert_eq!(answer(reply).unwrap(), [row]);
        }
    }
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    let statistics = engine.model(NAME, None).unwrap().statistics();
    let counts = [
        statistics.success.count,
        statistics.cache_hit.count,
        statistics.cache_miss.count,
        statistics.execution_count,
        statistics.inference_count,
        statistics.compute_infer.count,
    ];
    assert_eq!(counts, [6, 4, 2, 2, 2, 2]);
    let cache = engine.cache_statistics().unwrap();
    assert_eq!((cache.hits, cache.misses, cache.entries), (4, 2, 2));
    assert_eq!(engine.requests_in_flight(), 0);
}

#[test]
fn errors_and_parts_of_sequences_are_not_kept() {
    let (engine, runs) = (caching_engine(), Arc::default());
    engine.load(NAME, 1, counting(&runs)).unwrap();
    for _ in 0..2 {
        answer(engine.infer(NAME, None, request(&[13]))).unwrap_err();
        let mut part = request(&[1]);
        part.correlation = Some(Correlation {
            id: CorrelationId::Number(7),
            start: true,
            end: true,
            owner: None,
        });
        answer(engine.infer(NAME, None, part)).unwrap();
    }
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

#[test]
fn a_model_that_was_replaced_leaves_no_responses_behind_unless_it_is_the_same() {
    let (engine, runs) = (caching_engine(), Arc::default());
    let ask = || answer(engine.infer(NAME, None, request(&[1]))).unwrap();
    let load = |digest: Option<&[u8]>| {
        let mut spec = counting(&runs);
        spec.digest = digest.map(Digest::of);
        engine.load(NAME, 1, spec).unwrap();
        ask();
        runs.load(Ordering::SeqCst)
    };
    assert_eq!([load(None), load(None)], [1, 2]);
    assert_eq!(
        [load(Some(b"a")), load(Some(b"b")), load(Some(b"a"))],
        [3, 4, 4]
    );
}
