//! Serves a function of texts.

use nav_adapter::{Array, DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

fn main() -> anyhow::Result<()> {
    let shout = batch(|inputs| {
        let texts = inputs.texts("text")?;
        let loud = texts.iter().map(|text| text.to_uppercase());
        Ok([("loud", Array::strings([inputs.rows(), 1], loud)?)])
    });
    let triton = Triton::new(TritonConfig::default())?;
    let text = [Tensor::new(DType::Bytes, [1]).named("text")];
    let loud = [Tensor::new(DType::Bytes, [1]).named("loud")];
    triton.bind("shout", shout, text, loud, ModelConfig::default())?;
    Ok(triton.serve()?)
}
