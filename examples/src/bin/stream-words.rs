//! Serves a function that gives one response for each word, as it comes to it.

use anyhow::Context;
use nav_adapter::{Array, DType, ModelConfig, Tensor, Triton, TritonConfig, decoupled};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let words = decoupled(|request| {
        let text = request.texts("text")?.concat();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Ok(words
            .into_iter()
            .map(|word| Ok([("word", Array::strings([1], [word])?)])))
    });
    let triton = Triton::new(TritonConfig::default())?;
    let tensor = |name| [Tensor::new(DType::Bytes, [1]).named(name)];
    let config = ModelConfig {
        decoupled: true,
        batching: false,
        ..ModelConfig::default()
    };
    triton.bind("words", words, tensor("text"), tensor("word"), config)?;
    triton.run()?;
    println!("{}", triton.http_address().context("it answers over HTTP")?);
    Ok(triton.serve()?)
}
