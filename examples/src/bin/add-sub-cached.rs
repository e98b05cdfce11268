//! Serves sums and differences, and keeps them for requests that come again.

use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

fn main() -> anyhow::Result<()> {
    let add_sub = batch(|inputs| {
        let (a, b) = (inputs.array("INPUT_1")?, inputs.array("INPUT_2")?);
        Ok([a.zip(b, i32::wrapping_add)?, a.zip(b, i32::wrapping_sub)?])
    });
    let triton = Triton::new(TritonConfig {
        response_cache_byte_size: Some(1 << 20),
        ..TritonConfig::default()
    })?;
    let config = ModelConfig {
        response_cache: true,
        ..ModelConfig::default()
    };
    // Without names they are INPUT_1 and INPUT_2, OUTPUT_1 and OUTPUT_2.
    let tensors = vec![Tensor::new(DType::Int32, [-1]); 2];
    triton.bind("AddSub", add_sub, tensors.clone(), tensors, config)?;
    Ok(triton.serve()?)
}
