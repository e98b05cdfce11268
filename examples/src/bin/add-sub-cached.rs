//! Serves sums and differences, and keeps them for requests that come again.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

static ASKED: AtomicUsize = AtomicUsize::new(0);

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let add_sub = batch(|inputs| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        let (a, b) = (inputs.array("INPUT_1")?, inputs.array("INPUT_2")?);
        // In the order in which the outputs are declared: OUTPUT_1, OUTPUT_2.
        let sum = a.zip(b, |a: i32, b: i32| a.wrapping_add(b))?;
        let difference = a.zip(b, |a: i32, b: i32| a.wrapping_sub(b))?;
        Ok([sum, difference])
    });
    let triton = Triton::new(TritonConfig {
        response_cache_byte_size: Some(1 << 20),
        ..TritonConfig::default()
    })?;
    let config = ModelConfig {
        response_cache: true,
        ..ModelConfig::default()
    };
    let numbers = || Tensor::new(DType::Int32, [-1]);
    let (inputs, outputs) = ([numbers(), numbers()], [numbers(), numbers()]);
    triton.bind("AddSub", add_sub, inputs, outputs, config)?;
    triton.run()?;
    println!("{}", triton.http_address().context("it answers over HTTP")?);
    triton.serve()?;
    println!("computed {} times", ASKED.load(Ordering::Relaxed));
    Ok(())
}
