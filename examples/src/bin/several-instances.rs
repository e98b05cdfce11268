//! Serves one model by three callables, each with a thread and a state of its own.

use nav_adapter::{Array, DType, Infer, ModelConfig, Tensor, Triton, TritonConfig, sample};

fn main() -> anyhow::Result<()> {
    // One for each device, say. Requests go to whichever is free.
    let instances: Vec<_> = (0..3).map(instance).collect();
    let triton = Triton::new(TritonConfig::default())?;
    let tensor = |name| Tensor::new(DType::Int64, [1]).named(name);
    let (number, told) = ([tensor("number")], [tensor("instance"), tensor("asked")]);
    let config = ModelConfig {
        batching: false,
        ..ModelConfig::default()
    };
    triton.bind("who", instances, number, told, config)?;
    Ok(triton.serve()?)
}

/// Tells which instance it is, and how often it was asked.
fn instance(number: i64) -> impl Infer {
    let mut asked = 0;
    sample(move |_| {
        asked += 1;
        let of = |count: i64| Array::new([1], [count]);
        Ok([("instance", of(number)?), ("asked", of(asked)?)])
    })
}
