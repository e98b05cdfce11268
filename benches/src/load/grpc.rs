//! Requests over gRPC, each connection with one at a time.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

use super::{closed, microseconds};
use crate::served::WIDTH;

/// The parts of a request that an identity takes.
#[derive(Clone, PartialEq, prost::Message)]
struct Infer {
    #[prost(string, tag = "1")]
    model_name: String,
    #[prost(message, repeated, tag = "5")]
    inputs: Vec<Tensor>,
    #[prost(bytes = "vec", repeated, tag = "7")]
    raw_input_contents: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Tensor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    datatype: String,
    #[prost(int64, repeated, tag = "3")]
    shape: Vec<i64>,
}

/// Asks for the identity of sixteen numbers.
pub fn grpc(address: SocketAddr, concurrency: usize, time: Duration) -> io::Result<Vec<f64>> {
    let message = message();
    closed(concurrency, time, move |until| {
        ask(address, message.clone(), until)
    })
}

fn message() -> Bytes {
    let infer = Infer {
        model_name: "identity".to_owned(),
        inputs: vec![Tensor {
            name: "x".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, i64::try_from(WIDTH).unwrap_or_default()],
        }],
        raw_input_contents: vec![vec![0; 4 * WIDTH]],
    };
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(infer.encoded_len()).unwrap_or_default());
    framed.put_slice(&infer.encode_to_vec());
    framed.freeze()
}

async fn ask(address: SocketAddr, message: Bytes, until: Instant) -> io::Result<Vec<f64>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let connected = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(io::Error::other)?;
    tokio::task::spawn_local(connection);
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        let request = Request::post("http://t/inference.GRPCInferenceService/ModelInfer")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(message.clone()))
            .map_err(io::Error::other)?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        read(answer.into_body()).await?;
        latencies.push(microseconds(asked));
    }
    Ok(latencies)
}

/// Reads an answer to its end, which must be a success.
async fn read(mut body: Incoming) -> io::Result<()> {
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let frame = next.ok_or_else(|| io::Error::other("an answer has no status"))?;
        let frame = frame.map_err(io::Error::other)?;
        if let Some(trailers) = frame.trailers_ref() {
            let status = trailers
                .get("grpc-status")
                .map(hyper::header::HeaderValue::as_bytes);
            return if status == Some(b"0") {
                Ok(())
            } else {
                Err(io::Error::other(format!(
                    "an answer is no success: {trailers:?}"
                )))
            };
        }
    }
}
