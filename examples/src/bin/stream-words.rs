//! Serves a function that gives one response for each word, as it comes to it.

use nav_adapter::{Array, DType, ModelConfig, Tensor, Triton, TritonConfig, decoupled};

fn main() -> anyhow::Result<()> {
    let words = decoupled(|request| {
        let text = request.texts("text")?.concat();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let response = |word| Ok([("word", Array::strings([1], [word])?)]);
        Ok(words.into_iter().map(response))
    });
    let triton = Triton::new(TritonConfig::default())?;
    let config = ModelConfig {
        decoupled: true,
        batching: false,
        ..ModelConfig::default()
    };
    let text = [Tensor::new(DType::Bytes, [1]).named("text")];
    let word = [Tensor::new(DType::Bytes, [1]).named("word")];
    triton.bind("words", words, text, word, config)?;
    Ok(triton.serve()?)
}
