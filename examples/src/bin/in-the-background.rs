//! Serves in the background, asks over HTTP from the same program, and stops.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::Context;
use nav_adapter::{DType, ModelConfig, Tensor, Triton, TritonConfig, batch};

#[expect(clippy::print_stdout, reason = "an example shows what it did")]
fn main() -> anyhow::Result<()> {
    let triton = Triton::new(TritonConfig {
        http_port: Some(0),
        grpc_port: Some(0),
        allow_metrics: Some(false),
        ..TritonConfig::default()
    })?;
    let negate = batch(|inputs| Ok(inputs.array("INPUT_1")?.map(|it: f32| -it)?));
    let numbers = [Tensor::new(DType::Fp32, [-1])];
    triton.bind(
        "negate",
        negate,
        numbers.clone(),
        numbers,
        ModelConfig::default(),
    )?;
    triton.run()?;

    let body = r#"{"inputs":[{"name":"INPUT_1","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#;
    let address = triton.http_address().context("it answers over HTTP")?;
    let mut server = TcpStream::connect(address)?;
    write!(
        server,
        "POST /v2/models/negate/infer HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let (_, answer) = answer
        .split_once("\r\n\r\n")
        .context("there is no answer")?;
    println!("{answer}");

    Ok(triton.stop()?)
}
