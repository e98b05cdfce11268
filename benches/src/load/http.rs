//! Requests over HTTP/1.1, each connection with one at a time, whose answers are all as long as the first.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{closed, microseconds};
use crate::served::WIDTH;

/// A row of numbers that a model is asked with.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The model.
    pub model: &'static str,
    /// Its input.
    pub input: &'static str,
    /// The extents of a row of it.
    pub extents: &'static [usize],
    /// The output that is wanted.
    pub output: &'static str,
}

/// Sixteen numbers for an identity.
pub(super) const IDENTITY: Row = Row {
    model: "identity",
    input: "x",
    extents: &[WIDTH],
    output: "y",
};

/// Asks for the identity of sixteen numbers, in binary.
pub fn http(address: SocketAddr, concurrency: usize, time: Duration) -> io::Result<Vec<f64>> {
    http_rows(address, &IDENTITY, concurrency, time)
}

/// Asks for the output of this row, in binary.
pub fn http_rows(
    address: SocketAddr,
    row: &Row,
    concurrency: usize,
    time: Duration,
) -> io::Result<Vec<f64>> {
    let wire = wire(row);
    closed(concurrency, time, move |until| {
        ask(address, wire.clone(), until)
    })
}

/// The bytes of a request.
pub(super) fn wire(row: &Row) -> Vec<u8> {
    let Row {
        model,
        input,
        extents,
        output,
    } = row;
    let size = 4 * extents.iter().product::<usize>();
    let shape = extents.iter().map(usize::to_string);
    let shape: Vec<String> = std::iter::once("1".to_owned()).chain(shape).collect();
    let shape = shape.join(",");
    let header = format!(
        r#"{{"inputs":[{{"name":"{input}","shape":[{shape}],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}],"outputs":[{{"name":"{output}","parameters":{{"binary_data":true}}}}]}}"#
    );
    let head = format!(
        "POST /v2/models/{model}/infer HTTP/1.1\r\nHost: t\r\nInference-Header-Content-Length: {}\r\nContent-Length: {}\r\n\r\n",
        header.len(),
        header.len() + size
    );
    let mut wire = [head, header].concat().into_bytes();
    wire.resize(wire.len() + size, 0);
    wire
}

async fn ask(address: SocketAddr, wire: Vec<u8>, until: Instant) -> io::Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let asked = Instant::now();
    stream.write_all(&wire).await?;
    let mut answer = vec![0; first(&mut stream).await?];
    let mut latencies = vec![microseconds(asked)];
    while Instant::now() < until {
        let asked = Instant::now();
        stream.write_all(&wire).await?;
        stream.read_exact(&mut answer).await?;
        latencies.push(microseconds(asked));
    }
    Ok(latencies)
}

/// Reads the first answer. How long it is with its head.
async fn first(stream: &mut TcpStream) -> io::Result<usize> {
    let mut answer = Vec::new();
    loop {
        let length = answer.len();
        answer.resize(length + 4096, 0);
        let read = stream
            .read(answer.get_mut(length..).unwrap_or_default())
            .await?;
        answer.truncate(length + read);
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") && text.len() > 12 {
            return Err(io::Error::other(format!("an answer is no success: {text}")));
        }
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let body = lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let body: usize = body.ok_or_else(|| io::Error::other("an answer has no length"))?;
        if answer.len() >= head.len() + 4 + body {
            return Ok(answer.len());
        }
    }
}
