//! Serves one model by three callables, each with a thread and a state of its own.

use anyhow::Context;
use nav_adapter::{Array, DType, Infer, ModelConfig, Tensor, Triton, TritonConfig, sample};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    // One for each device, say.
    let instances: Vec<_> = (0..3).map(instance).collect();
    let triton = Triton::new(TritonConfig::default())?;
    let number = [Tensor::new(DType::Int64, [1]).named("number")];
    let told = [
        Tensor::new(DType::Int64, [1]).named("instance"),
        Tensor::new(DType::Int64, [1]).named("asked"),
    ];
    let config = ModelConfig {
        batching: false,
        ..ModelConfig::default()
    };
    triton.bind("who", instances, number, told, config)?;
    triton.run()?;
    println!("{}", triton.http_address().context("it answers over HTTP")?);
    Ok(triton.serve()?)
}

/// Tells which instance it is, and how often it was asked.
fn instance(number: i64) -> impl Infer {
    let mut asked = 0;
    sample(move |_| {
        asked += 1_i64;
        Ok([
            ("instance", Array::new([1], [number])?),
            ("asked", Array::new([1], [asked])?),
        ])
    })
}
