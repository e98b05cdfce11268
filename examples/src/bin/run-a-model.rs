//! Loads a model on the embedded runner and runs it on one blank picture: `run-a-model MODEL.onnx`.

use std::path::PathBuf;

use anyhow::Context;
use nav_package_format::{DType, Format, Shape, TensorData};
use nav_runners::tract_cpu::TractCpu;
use nav_runners::{LoadOptions, ModelFile, RunnerHandle};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let path = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("say which model to run")?;
    let model = ModelFile {
        path,
        format: Format::Onnx,
    };
    let mut runner = RunnerHandle::new(Box::new(TractCpu), model, LoadOptions::default());
    runner.activate()?;

    let pixels = TensorData::new(DType::Fp32, Shape::from([1, 64]), vec![0; 256])?;
    let outputs = runner.infer(&[("pixels", pixels.view())])?;
    for (name, tensor) in outputs.iter() {
        println!("{name}: {} {}", tensor.desc.dtype, tensor.desc.shape);
    }
    Ok(())
}
