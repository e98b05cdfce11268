//! What clients may not take over gRPC: too large, too slow, too many.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nav_serve::{Limits, ServerOptions};

use crate::grpc_infer::one;
use crate::models::engine;
use crate::rpc::{Client, framed, path};
use crate::subject::{PATIENCE, Subject, connect, options};

const DEADLINE_EXCEEDED: i32 = 4;
const EXHAUSTED: i32 = 8;
const INVALID: i32 = 3;
const NOT_FOUND: i32 = 5;

fn limited(limits: Limits) -> (Subject, Client) {
    let options = ServerOptions {
        limits,
        ..options()
    };
    let subject = Subject::start(engine(), options);
    let client = Client::connect(subject.grpc);
    (subject, client)
}

#[test]
fn messages_are_limited_as_they_are_announced_and_decompressed() {
    let (_subject, client) = limited(Limits {
        body: 1000,
        ..Limits::default()
    });
    let text = "the message is larger than 1000 bytes, which is the limit";
    for method in ["ModelInfer", "ModelStreamInfer"] {
        let outcome = client.send(&path(method), &[], [vec![0; 1001]]);
        assert_eq!((outcome.code, outcome.text.as_str()), (EXHAUSTED, text));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1 << 19]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 1000);
        let mut talk = client.open(&path(method), &[("grpc-encoding", "gzip")]);
        talk.send_raw(framed(1, &bomb));
        let outcome = talk.end();
        assert_eq!((outcome.code, outcome.text.as_str()), (EXHAUSTED, text));
    }
}

#[test]
fn messages_on_their_way_share_a_budget_and_give_it_back() {
    let (_subject, client) = limited(Limits {
        bodies: 2000,
        ..Limits::default()
    });
    let outcome = client.send(&path("ModelInfer"), &[], [vec![0; 3000]]);
    assert_eq!(outcome.code, EXHAUSTED);
    assert_eq!(outcome.head["grpc-retry-pushback-ms"], "1000");
    let mut talk = client.open(&path("ModelStreamInfer"), &[]);
    for _ in 0..10 {
        // One of them is far less than the budget, all of them are more.
        talk.send(&one());
        assert_eq!(talk.answer().unwrap().get("error_message"), None);
    }
    assert_eq!(talk.end().code, 0);
}

#[test]
fn what_messages_become_when_they_are_read_counts_too() {
    let (_subject, client) = limited(Limits {
        bodies: 100_000,
        ..Limits::default()
    });
    let text = "requests on their way hold as much memory as they may";
    // Numbers of one byte each, of which eight are made.
    let typed = |count: usize| {
        let contents = [varints(3, count), vec![1; count]].concat();
        let input = [varints(5, contents.len()), contents].concat();
        [varints(5, input.len()), input].concat()
    };
    for method in ["ModelInfer", "ModelStreamInfer"] {
        let outcome = client.send(&path(method), &[], [typed(20_000)]);
        assert_eq!((outcome.code, outcome.text.as_str()), (EXHAUSTED, text));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 200_000]).unwrap();
        let mut talk = client.open(&path(method), &[("grpc-encoding", "gzip")]);
        talk.send_raw(framed(1, &encoder.finish().unwrap()));
        let outcome = talk.end();
        assert_eq!((outcome.code, outcome.text.as_str()), (EXHAUSTED, text));
    }
    let outcome = client.send(&path("ModelInfer"), &[], [typed(5000)]);
    assert_eq!(outcome.code, NOT_FOUND, "it is read: {}", outcome.text);
    let empty = [0x2a, 0].repeat(20_000);
    let outcome = client.send(&path("ModelInfer"), &[], [empty]);
    let text = "the request has more than 16384 inputs, which is the limit";
    assert_eq!((outcome.code, outcome.text.as_str()), (INVALID, text));
}

#[test]
fn messages_with_names_and_settings_are_small() {
    let (_subject, client) = limited(Limits::default());
    let long = vec![0; (1 << 20) + 1];
    for method in ["ModelMetadata", "TraceSetting", "RepositoryIndex"] {
        let outcome = client.send(&path(method), &[], [long.clone()]);
        let text = "the message is larger than 1048576 bytes, which is the limit";
        assert_eq!((outcome.code, outcome.text.as_str()), (EXHAUSTED, text));
    }
}

/// The head of a field of so many bytes.
fn varints(number: u8, length: usize) -> Vec<u8> {
    let mut head = vec![number << 3 | 2];
    prost::encode_length_delimiter(length, &mut head).unwrap();
    head
}

#[test]
fn who_pauses_within_a_message_is_told_and_who_pauses_between_them_is_not() {
    let (_subject, client) = limited(Limits {
        pause: Duration::from_millis(30),
        ..Limits::default()
    });
    for method in ["ModelInfer", "ModelStreamInfer"] {
        let mut talk = client.open(&path(method), &[]);
        talk.send_raw(framed(0, &[0; 10]).slice(..12));
        assert_eq!(talk.rest().code, DEADLINE_EXCEEDED);
    }
    let mut patient = client.open(&path("ModelStreamInfer"), &[]);
    let mut stalled = client.open(&path("ModelInfer"), &[]);
    stalled.send_raw(framed(0, &[0; 10]).slice(..12));
    patient.send(&one());
    assert!(patient.answer().is_some());
    // As long as it takes for the other to be told.
    assert_eq!(stalled.rest().code, DEADLINE_EXCEEDED);
    patient.send(&one());
    assert!(patient.answer().is_some());
    assert_eq!(patient.end().code, 0);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn hello(subject: &Subject) -> TcpStream {
    let mut stream = connect(subject.grpc);
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).unwrap();
    stream
}

/// Whether the connection was ended with a GOAWAY for this reason.
fn is_ended(mut stream: TcpStream, reason: u32) -> bool {
    let mut seen = Vec::new();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may be reset before all was read.
    stream.read_to_end(&mut seen).ok();
    let mut rest = &seen[..];
    while let Some((head, behind)) = rest.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, behind)) = behind.split_at_checked(length) else {
            return false;
        };
        if head[3] == 7 && payload[4..8] == reason.to_be_bytes() {
            return true;
        }
        rest = behind;
    }
    false
}

#[test]
fn requests_taken_back_at_once_end_their_connection() {
    const CALM: u32 = 11;
    let (subject, client) = limited(Limits::default());
    let mut stream = hello(&subject);
    // POST http /, each taken back before it can be answered.
    let head = [0x83, 0x86, 0x84];
    let flood: Vec<u8> = (0..2000_u32)
        .flat_map(|number| {
            let id = 2 * number + 1;
            [frame(1, 4, id, &head), frame(3, 0, id, &[0, 0, 0, 8])].concat()
        })
        .collect();
    stream.write_all(&flood).ok();
    assert!(is_ended(stream, CALM));
    assert!(client.infer(&one()).is_ok(), "others are served");
}

#[test]
fn heads_without_end_end_their_connection() {
    let (subject, client) = limited(Limits::default());
    let mut stream = hello(&subject);
    stream
        .write_all(&frame(1, 0, 1, &[0x83, 0x86, 0x84]))
        .unwrap();
    let field = [&[0x00, 1, b'x', 100][..], &[b'y'; 100]].concat();
    let piece = frame(9, 0, 1, &field.repeat(100));
    let mut written = 0;
    while written < 64 << 20 && stream.write_all(&piece).is_ok() {
        written += piece.len();
    }
    assert!(written < 64 << 20, "all of it was taken");
    assert!(client.infer(&one()).is_ok(), "others are served");
}
