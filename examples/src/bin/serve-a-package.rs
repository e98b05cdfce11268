//! Serves a package as it was measured, to clients of Triton, until it is told to stop: `serve-a-package MODEL.nav`.

use anyhow::Context;
use nav_adapter::{Package, PyTritonAdapter, Triton, TritonConfig};

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).context("say which package")?;
    let package = Package::open(path)?;
    let adapter = PyTritonAdapter::new(&package, &[])?;
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    let triton = Triton::new(TritonConfig::default())?;
    triton.bind("model", adapter.runner(), inputs, outputs, adapter.config())?;
    Ok(triton.serve()?)
}
