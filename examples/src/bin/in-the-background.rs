//! Serves in the background, asks over HTTP from the same program, and stops.

#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::io::Write;
use std::net::TcpStream;

use anyhow::Context;
use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

fn main() -> anyhow::Result<()> {
    let triton = Triton::new(TritonConfig {
        http_port: Some(0),
        allow_grpc: Some(false),
        allow_metrics: Some(false),
        ..TritonConfig::default()
    })?;
    let negate = batch(|inputs| Ok([inputs.array("INPUT_1")?.map(|it: f32| -it)?]));
    let (numbers, config) = ([Tensor::new(DType::Fp32, [-1])], ModelConfig::default());
    triton.bind("negate", negate, numbers.clone(), numbers, config)?;
    triton.run()?;

    let request = r#"{"inputs":[{"name":"INPUT_1","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"#;
    let mut client = TcpStream::connect(triton.http_address().context("it has no HTTP")?)?;
    let size = request.len();
    write!(
        client,
        "POST /v2/models/negate/infer HTTP/1.0\r\nContent-Length: {size}\r\n\r\n{request}"
    )?;
    println!("{}", std::io::read_to_string(client)?);
    Ok(triton.stop()?)
}
