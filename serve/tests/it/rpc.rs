//! Calls over gRPC, with messages written as JSON and read as JSON.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::subject::PATIENCE;

const SERVICE: &str = "inference.GRPCInferenceService";

/// A client with one connection.
pub(crate) struct Client {
    runtime: Runtime,
    sender: SendRequest<Sent>,
    pool: DescriptorPool,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) text: String,
    /// The messages, without their heads.
    pub(crate) messages: Vec<Bytes>,
    pub(crate) head: HeaderMap,
    pub(crate) trailers: HeaderMap,
}

/// The body of a request: what was sent so far.
pub(crate) struct Sent(mpsc::UnboundedReceiver<Bytes>);

/// A response on its way.
type Pending = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>>;

/// A call that goes on.
pub(crate) struct Talk<'client> {
    client: &'client Client,
    method: String,
    sender: Option<mpsc::UnboundedSender<Bytes>>,
    response: Option<Response<Incoming>>,
    pending: Option<Pending>,
    bytes: BytesMut,
    outcome: Outcome,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let executor = TokioExecutor::new();
            let made = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await;
            let (sender, connection) = made.unwrap();
            tokio::spawn(connection);
            sender
        });
        let pool = DescriptorPool::decode(&include_bytes!("../../src/proto/schema.bin")[..]);
        Self {
            runtime,
            sender,
            pool: pool.unwrap(),
        }
    }

    /// A message of this type, as bytes.
    pub(crate) fn encode(&self, kind: &str, message: &Value) -> Vec<u8> {
        let descriptor = self.pool.get_message_by_name(kind).unwrap();
        let message = DynamicMessage::deserialize(descriptor, message).unwrap();
        message.encode_to_vec()
    }

    pub(crate) fn decode(&self, kind: &str, bytes: &[u8]) -> Value {
        let descriptor = self.pool.get_message_by_name(kind).unwrap();
        let message = DynamicMessage::decode(descriptor, bytes).unwrap();
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .stringify_64_bit_integers(false);
        let serializer = serde_json::value::Serializer;
        message
            .serialize_with_options(serializer, &options)
            .unwrap()
    }

    /// A request that is no call: its status and what came back.
    pub(crate) fn post(&self, path: &str, body: Vec<u8>) -> (u16, Bytes) {
        let (sender, sent) = mpsc::unbounded_channel();
        sender.send(body.into()).unwrap();
        drop(sender);
        let request = Request::post(format!("http://test{path}"));
        let request = request.body(Sent(sent)).unwrap();
        let mut connection = self.sender.clone();
        self.runtime.block_on(async move {
            let asked = async {
                let response = connection.send_request(request).await.unwrap();
                let status = response.status().as_u16();
                let (mut body, mut bytes) = (response.into_body(), BytesMut::new());
                while let Some(frame) =
                    poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
                {
                    bytes.put(frame.unwrap().into_data().unwrap_or_default());
                }
                (status, bytes.freeze())
            };
            tokio::time::timeout(PATIENCE, asked).await.unwrap()
        })
    }

    /// Begins a call.
    pub(crate) fn open(&self, path: &str, metadata: &[(&str, &str)]) -> Talk<'_> {
        let mut request = Request::post(format!("http://test{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let (sender, sent) = mpsc::unbounded_channel();
        let request = request.body(Sent(sent)).unwrap();
        let mut connection = self.sender.clone();
        Talk {
            client: self,
            method: path.rsplit('/').next().unwrap().to_owned(),
            sender: Some(sender),
            response: None,
            pending: Some(Box::pin(
                async move { connection.send_request(request).await },
            )),
            bytes: BytesMut::new(),
            outcome: Outcome::default(),
        }
    }

    /// A call with these messages, to its end.
    pub(crate) fn send(
        &self,
        path: &str,
        metadata: &[(&str, &str)],
        messages: impl IntoIterator<Item = Vec<u8>>,
    ) -> Outcome {
        let mut talk = self.open(path, metadata);
        for message in messages {
            talk.send_bytes(&message);
        }
        talk.end()
    }

    /// A call of the service with one message, to its end.
    pub(crate) fn ask(&self, method: &str, message: &Value) -> Result<Value, (i32, String)> {
        self.ask_with(method, &[], message)
    }

    /// The same with metadata.
    pub(crate) fn ask_with(
        &self,
        method: &str,
        metadata: &[(&str, &str)],
        message: &Value,
    ) -> Result<Value, (i32, String)> {
        let bytes = self.encode(&format!("inference.{method}Request"), message);
        let outcome = self.send(&path(method), metadata, [bytes]);
        if outcome.code != 0 {
            return Err((outcome.code, outcome.text));
        }
        assert_eq!(outcome.messages.len(), 1);
        Ok(self.decode(&format!("inference.{method}Response"), &outcome.messages[0]))
    }

    /// Infers, for the one raw output.
    pub(crate) fn infer(&self, message: &Value) -> Result<Value, (i32, String)> {
        self.ask("ModelInfer", message)
    }
}

/// Where a method of the service is.
pub(crate) fn path(method: &str) -> String {
    format!("/{SERVICE}/{method}")
}

/// A message with its head.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put(message);
    framed.freeze()
}

impl Talk<'_> {
    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: Bytes) {
        // A server that ended the call takes nothing more.
        self.sender.as_ref().unwrap().send(bytes).ok();
        self.start();
    }

    pub(crate) fn send_bytes(&mut self, message: &[u8]) {
        self.send_raw(framed(0, message));
    }

    /// Sends a request of the stream.
    pub(crate) fn send(&mut self, message: &Value) {
        let bytes = self.client.encode("inference.ModelInferRequest", message);
        self.send_bytes(&bytes);
    }

    /// Sees to it that the request is on its way.
    fn start(&mut self) {
        let Some(pending) = self.pending.as_mut() else {
            return;
        };
        let polled = self.client.runtime.block_on(async {
            poll_fn(|context| Poll::Ready(pending.as_mut().poll(context))).await
        });
        if let Poll::Ready(response) = polled {
            self.pending = None;
            self.response = Some(response.unwrap());
        }
    }

    /// The next message; none after the last one.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.cut() {
                return Some(message);
            }
            if !self.receive() {
                assert!(self.bytes.is_empty(), "a message is cut short");
                return None;
            }
        }
    }

    /// The next answer of the stream.
    pub(crate) fn answer(&mut self) -> Option<Value> {
        let kind = format!("inference.{}Response", self.method);
        let bytes = self.next()?;
        Some(self.client.decode(&kind, &bytes))
    }

    fn cut(&mut self) -> Option<Bytes> {
        let head = self.bytes.get(1..5)?;
        let length = u32::from_be_bytes(head.try_into().unwrap()) as usize;
        if self.bytes.len() < 5 + length {
            return None;
        }
        let mut message = self.bytes.split_to(5 + length);
        Some(message.split_off(5).freeze())
    }

    /// Takes what comes next. Whether there is more.
    fn receive(&mut self) -> bool {
        let pending = self.pending.take();
        let response = &mut self.response;
        let next = async {
            if let Some(pending) = pending {
                *response = Some(pending.await.unwrap());
            }
            let body = response.as_mut().unwrap().body_mut();
            poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
        };
        let next = async { tokio::time::timeout(PATIENCE, next).await.unwrap() };
        let next = self.client.runtime.block_on(next);
        let Some(frame) = next else {
            return false;
        };
        match frame.unwrap().into_data() {
            Ok(data) => self.bytes.extend_from_slice(&data),
            Err(frame) => self.outcome.trailers = frame.into_trailers().unwrap(),
        }
        true
    }

    /// Sends nothing more, and reads to the end.
    pub(crate) fn end(mut self) -> Outcome {
        self.sender = None;
        self.rest()
    }

    /// Reads to the end, while it still might send.
    pub(crate) fn rest(mut self) -> Outcome {
        while let Some(message) = self.next() {
            self.outcome.messages.push(message);
        }
        let mut outcome = self.outcome;
        outcome.head = self.response.as_ref().unwrap().headers().clone();
        let status = |name| {
            outcome
                .trailers
                .get(name)
                .or_else(|| outcome.head.get(name))
        };
        let code = status("grpc-status").unwrap().to_str().unwrap();
        outcome.code = code.parse().unwrap();
        let text = status("grpc-message").map_or("", |text| text.to_str().unwrap());
        outcome.text = unescaped(text);
        outcome
    }
}

/// A text as it was before bytes were written as `%` and two digits.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let byte =
            digits.map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 16).unwrap());
        bytes.push(byte.unwrap_or(*first));
        rest = &behind[if byte.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(bytes).unwrap()
}
