//! A package, bound to a server by what the adapter says of it.

use nav_adapter::{MaxThroughputWithLatencyBudget, Percentile, PyTritonAdapter};
use nav_engine::Request;
use nav_package_format::DType;

use crate::place::{Place, TRACT, line};
use crate::triton::triton;

#[test]
fn a_package_is_bound_as_it_was_measured() {
    let place = Place::new();
    let budget = MaxThroughputWithLatencyBudget {
        budget_ms: 5.0,
        percentile: Percentile::P99,
    };
    let adapter = PyTritonAdapter::new(&place.package(&line(), &[TRACT]), &[&budget]).unwrap();
    let triton = triton();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    triton
        .bind("line", adapter.runner(), inputs, outputs, adapter.config())
        .unwrap();
    triton.run().unwrap();
    let engine = triton.engine().unwrap();
    let model = engine.model("line", None).unwrap();
    let options = model.options();
    let batching = options.batching.as_ref().unwrap();
    assert_eq!(
        (
            options.max_batch,
            &*batching.preferred_sizes,
            options.instances
        ),
        (32, &[8][..], 2)
    );
    let numbers = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    let request = Request::new().with_input("x", DType::Fp32, [1, 4], numbers);
    let response = engine.infer("line", None, request).wait().unwrap();
    let expected = [10.0_f32, 2.0].map(f32::to_le_bytes).concat();
    assert_eq!(response.output(0).unwrap().bytes, expected);
}
