//! HTTP/2 as frames: a call over gRPC as somebody makes it by hand, and what no client would ever send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use prost::Message;

use crate::callers::bytes;
use crate::wire::connect;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The head of a frame is so long.
const HEAD: usize = 9;

/// A request to infer.
#[derive(Clone, PartialEq, Message)]
struct Infer {
    #[prost(string, tag = "1")]
    model_name: String,
    #[prost(message, repeated, tag = "5")]
    inputs: Vec<Input>,
    #[prost(bytes = "vec", repeated, tag = "7")]
    raw: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Input {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    datatype: String,
    #[prost(int64, repeated, tag = "3")]
    shape: Vec<i64>,
}

/// The message that asks a model for a row.
pub(crate) fn infer(model: &str, x: &[f32]) -> Vec<u8> {
    let message = Infer {
        model_name: model.to_owned(),
        inputs: vec![Input {
            name: "x".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, i64::try_from(x.len()).unwrap_or_default()],
        }],
        raw: vec![bytes(x)],
    };
    message.encode_to_vec()
}

/// What comes back for a call of one message over a connection of its own; an error when that is nothing.
pub(crate) fn call(address: SocketAddr, method: &str, message: &[u8]) -> Result<Vec<u8>, String> {
    let seen = send(address, &called(method, &framed(message)))?;
    if seen.data.is_empty() {
        return Err("no message came back".to_owned());
    }
    Ok(seen.data)
}

/// What a server did on a connection, until its first stream or the connection was over.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What came on the streams.
    pub(crate) data: Vec<u8>,
    /// Whether a stream was answered.
    pub(crate) is_answered: bool,
    /// Whether it ended the connection or a stream.
    pub(crate) is_ended: bool,
}

/// Sends these bytes, and sees what becomes of it.
pub(crate) fn send(address: SocketAddr, wire: &[u8]) -> Result<Seen, String> {
    let mut stream = connect(address).map_err(|error| format!("no connection: {error}"))?;
    // A server that has had enough of it does not take the rest.
    let is_sent = stream.write_all(wire).is_ok();
    let mut seen = Seen {
        is_ended: !is_sent,
        ..Seen::default()
    };
    match frames(&mut stream, &mut seen) {
        Ok(()) => Ok(seen),
        Err(error) if is_patience(&error) => Err("there is no answer in time".to_owned()),
        Err(_) => {
            seen.is_ended = true;
            Ok(seen)
        }
    }
}

fn is_patience(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(error.kind(), TimedOut | WouldBlock)
}

/// Reads frames to the end of the first stream that ends.
fn frames(stream: &mut TcpStream, seen: &mut Seen) -> std::io::Result<()> {
    loop {
        let mut head = [0; HEAD];
        stream.read_exact(&mut head)?;
        let [long, middle, short, kind, flags, ..] = head;
        let length = u32::from_be_bytes([0, long, middle, short]);
        let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
        stream.read_exact(&mut payload)?;
        match kind {
            DATA => seen.data.extend(payload),
            HEADERS => seen.is_answered = true,
            RESET | GO_AWAY => seen.is_ended = true,
            SETTINGS if flags & 1 == 0 => stream.write_all(&frame((SETTINGS, 1, 0), b""))?,
            _ => {}
        }
        let is_end = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0;
        if is_end || matches!(kind, RESET | GO_AWAY) {
            return Ok(());
        }
    }
}

fn frame((kind, flags, stream): (u8, u8, u32), payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_be_bytes();
    let mut bytes = length.get(1..).unwrap_or_default().to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header field, spelled out.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let length = u8::try_from(text.len()).unwrap_or(126).min(126);
        bytes.push(length);
        bytes.extend(text.bytes().take(length.into()));
    }
    bytes
}

fn fields(path: &str) -> Vec<u8> {
    let all = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "soak"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    all.iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// A message with its head.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// The beginning of a connection.
pub(crate) fn begun() -> Vec<u8> {
    [PREFACE, &frame((SETTINGS, 0, 0), b"")].concat()
}

fn path(method: &str) -> String {
    format!("/inference.GRPCInferenceService/{method}")
}

/// A whole call, with these bytes as what should be messages.
pub(crate) fn called(method: &str, messages: &[u8]) -> Vec<u8> {
    let head = frame((HEADERS, END_HEADERS, 1), &fields(&path(method)));
    let body = frame((DATA, END_STREAM, 1), messages);
    [begun(), head, body].concat()
}

/// A call that is begun and never goes on.
pub(crate) fn unfinished(method: &str) -> Vec<u8> {
    let head = frame((HEADERS, END_HEADERS, 1), &fields(&path(method)));
    [begun(), head].concat()
}

type Attack = fn(u64) -> Vec<u8>;

/// What no client would send: each must be answered with an error, or end the stream or the connection.
pub(crate) const ATTACKS: &[(&str, Attack)] = &[
    ("HTTP/2: no frames", |round| {
        // What would be the first one is longer than any may be: of one that may be, the server waits for the rest.
        [begun(), vec![0xff], noise(round, 512)].concat()
    }),
    ("HTTP/2: calls taken back at once", |_| {
        let head = fields(&path("ModelInfer"));
        let pair = |stream: u32| {
            let begin = frame((HEADERS, END_HEADERS, stream), &head);
            [begin, frame((RESET, 0, stream), &8_u32.to_be_bytes())].concat()
        };
        let pairs = (0..2000).flat_map(|number| pair(2 * number + 1));
        begun().into_iter().chain(pairs).collect()
    }),
    ("HTTP/2: a head without an end", |_| {
        let first = frame((HEADERS, 0, 1), &fields(&path("ModelInfer")));
        let more: Vec<u8> = (0..100)
            .flat_map(|_| field("x-more", &"y".repeat(120)))
            .collect();
        let more = frame((CONTINUATION, 0, 1), &more);
        let more = more.iter().copied().cycle().take(more.len() * 200);
        begun().into_iter().chain(first).chain(more).collect()
    }),
    ("HTTP/2: no fields", |round| {
        [
            begun(),
            frame(
                (HEADERS, END_HEADERS | END_STREAM, 1),
                &noise(round | 1, 64),
            ),
        ]
        .concat()
    }),
    ("HTTP/2: data of nothing", |_| {
        [begun(), frame((DATA, 0, 0), b"data")].concat()
    }),
    ("HTTP/2: a window beyond all", |_| {
        let wide = frame((WINDOW, 0, 0), &0x7fff_ffff_u32.to_be_bytes());
        [begun(), wide.clone(), wide].concat()
    }),
    ("HTTP/2: pings of a wrong size", |_| {
        [begun(), frame((PING, 0, 0), b"1234")].concat()
    }),
    ("gRPC: no message", |round| {
        called("ModelInfer", &framed(&noise(round | 1, 200)))
    }),
    ("gRPC: a message without an end", |_| {
        called("ModelInfer", &[0, 0xff, 0xff, 0xff, 0xff, 1])
    }),
    ("gRPC: a coding that is none", |_| {
        called("ModelInfer", &[1, 0, 0, 0, 1, 1])
    }),
    ("gRPC: an unknown method", |round| {
        called(&format!("Model{round}"), &framed(b""))
    }),
    ("gRPC: an unknown model", |round| {
        called(
            "ModelInfer",
            &framed(&infer(&format!("model-{round}"), &[1.0; 16])),
        )
    }),
    ("gRPC: a row too short", |_| {
        called("ModelInfer", &framed(&infer("rows", &[1.0; 15])))
    }),
];

/// Bytes that mean nothing, the same for the same number.
pub(crate) fn noise(round: u64, count: usize) -> Vec<u8> {
    let mut state = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(count).collect()
}
