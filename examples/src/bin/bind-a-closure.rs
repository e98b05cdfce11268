//! Serves a closure until it is told to stop.

use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

fn main() -> anyhow::Result<()> {
    let double = batch(|inputs| {
        let numbers = inputs.array("number")?;
        Ok([("doubled", numbers.map(|number: f32| number * 2.0)?)])
    });
    let triton = Triton::new(TritonConfig::default())?;
    let number = [Tensor::new(DType::Fp32, [1]).named("number")];
    let doubled = [Tensor::new(DType::Fp32, [1]).named("doubled")];
    triton.bind("double", double, number, doubled, ModelConfig::default())?;
    Ok(triton.serve()?)
}
