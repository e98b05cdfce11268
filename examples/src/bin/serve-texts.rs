//! Serves a function of texts.

use anyhow::Context;
use nav_adapter::{Array, DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let shout = batch(|inputs| {
        let texts = inputs.texts("text")?;
        let loud = texts.iter().map(|text| text.to_uppercase());
        Ok([("loud", Array::strings([inputs.rows(), 1], loud)?)])
    });
    let triton = Triton::new(TritonConfig::default())?;
    let tensor = |name| [Tensor::new(DType::Bytes, [1]).named(name)];
    triton.bind(
        "shout",
        shout,
        tensor("text"),
        tensor("loud"),
        ModelConfig::default(),
    )?;
    triton.run()?;
    println!("{}", triton.http_address().context("it answers over HTTP")?);
    Ok(triton.serve()?)
}
