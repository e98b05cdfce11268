//! A package, bound to a server by what the adapter says of it.

use std::time::Duration;

use nav_adapter::{
    MaxThroughput, MaxThroughputWithLatencyBudget, MinLatency, Percentile, PyTritonAdapter,
    Strategy,
};
use nav_engine::Request;
use nav_package_format::DType;

use crate::place::{Place, TRACT, Told, line, twice};
use crate::triton::triton;

/// Binds the package as this strategy has it, and checks what the engine serves it with: the most rows, the preferred
/// sizes, the delay in microseconds, the instances.
fn check(strategy: &dyn Strategy, expected: (usize, &[usize], u64, usize)) {
    let place = Place::new();
    let threaded = Told {
        threads: Some(1),
        ..TRACT
    };
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[threaded]), &[strategy]).unwrap();
    let runner = adapter.runner();
    assert_eq!(runner.options().settings.intra_threads, Some(1));
    let triton = triton();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    triton
        .bind("line", runner, inputs, outputs, adapter.config())
        .unwrap();
    triton.run().unwrap();
    let engine = triton.engine().unwrap();
    let model = engine.model("line", None).unwrap();
    let options = model.options();
    let batching = options.batching.as_ref().unwrap();
    let (most, sizes, delay, instances) = expected;
    assert_eq!(
        (options.max_batch, &*batching.preferred_sizes),
        (most, sizes),
        "{strategy:?}"
    );
    assert_eq!(
        (batching.delay, options.instances),
        (Duration::from_micros(delay), instances),
        "{strategy:?}"
    );
    let numbers = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let request = Request::new().with_input("x", DType::Fp32, [1, 4], numbers);
    let response = engine.infer("line", None, request).wait().unwrap();
    let expected = [10.0_f32, 2.0].map(f32::to_le_bytes).concat();
    assert_eq!(response.output(0).unwrap().bytes, expected);
}

#[test]
fn a_package_is_served_as_it_was_measured_on_the_terms_of_the_strategy() {
    let within = |budget_ms| MaxThroughputWithLatencyBudget {
        budget_ms,
        percentile: Percentile::P99,
    };
    check(&MaxThroughput, (8, &[8], 200, 2));
    check(&MinLatency, (1, &[], 0, 2));
    check(&within(5.0), (32, &[8], 200, 2));
    check(&within(1.0), (8, &[8], 200, 2));
    check(&within(0.3), (1, &[], 0, 2));
}

#[test]
fn a_model_without_batches_is_served_one_request_at_a_time() {
    let place = Place::new();
    let alone = Told {
        took_ms: &[(None, 0.2)],
        ..TRACT
    };
    let adapter = PyTritonAdapter::new(&place.package(&twice(), &[alone]), &[]).unwrap();
    let triton = triton();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    triton
        .bind("twice", adapter.runner(), inputs, outputs, adapter.config())
        .unwrap();
    triton.run().unwrap();
    let engine = triton.engine().unwrap();
    let model = engine.model("twice", None).unwrap();
    assert_eq!(model.options().max_batch, 0);
    assert!(model.options().batching.is_none());
    let numbers = [1.0_f32, 2.0, 3.0].map(f32::to_le_bytes).concat();
    let request = Request::new().with_input("x", DType::Fp32, [3], numbers);
    let response = engine.infer("twice", None, request).wait().unwrap();
    let expected = [2.0_f32, 4.0, 6.0].map(f32::to_le_bytes).concat();
    assert_eq!(response.output(0).unwrap().bytes, expected);
}
