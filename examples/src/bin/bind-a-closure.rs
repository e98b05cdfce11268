//! Serves a closure until it is told to stop.

use anyhow::Context;
use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let double = batch(|inputs| {
        let numbers = inputs.array("number")?;
        Ok([("doubled", numbers.map(|number: f32| number * 2.0)?)])
    });
    let triton = Triton::new(TritonConfig::default())?;
    let tensor = |name| [Tensor::new(DType::Fp32, [1]).named(name)];
    let config = ModelConfig::default();
    triton.bind(
        "double",
        double,
        tensor("number"),
        tensor("doubled"),
        config,
    )?;
    triton.run()?;
    println!("{}", triton.http_address().context("it answers over HTTP")?);
    Ok(triton.serve()?)
}
