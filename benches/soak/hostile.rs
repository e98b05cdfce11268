//! Whoever means harm: what is wrong, what is too much, and clients that leave or do not move.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::frames::{self, noise};
use crate::pace::Over;
use crate::server::Addresses;
use crate::tally::Tally;
use crate::wire::{PATIENCE, connect, posted, receive};

/// How long from one attack to the next.
const GAP: Duration = Duration::from_millis(150);

/// How long from one client that does not move to the next, and how many of them there are at a time.
const LINGERS_GAP: Duration = Duration::from_millis(1500);
const LINGERERS: usize = 48;

/// How long such a client stays, unless it is shown the door.
const LINGERS: Duration = Duration::from_secs(75);

const INFER: &str = "/v2/models/rows/infer";

type Attack = fn(u64) -> Vec<u8>;

fn json(body: &str) -> Vec<u8> {
    posted(INFER, "", body.as_bytes())
}

fn rows(shape: &str, data: &str) -> Vec<u8> {
    json(&format!(
        r#"{{"inputs":[{{"name":"x","datatype":"FP32","shape":{shape},"data":{data}}}]}}"#
    ))
}

fn get(target: &str, lines: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: soak\r\n{lines}\r\n").into_bytes()
}

/// What is to be refused, or have its connection closed.
const ATTACKS: &[(&str, Attack)] = &[
    ("no JSON", |_| json(r#"{"inputs":["#)),
    ("JSON without an end", |_| json(&"[".repeat(20_000))),
    ("members twice", |_| {
        json(r#"{"id":"1","id":"2","inputs":[]}"#)
    }),
    ("an input twice", |_| {
        let input = r#"{"name":"x","datatype":"FP32","shape":[1,1],"data":[1]}"#;
        json(&format!(r#"{{"inputs":[{input},{input}]}}"#))
    }),
    ("too few numbers", |_| rows("[1,16]", "[1,2,3]")),
    ("a shape below nothing", |_| rows("[-1,16]", "[1]")),
    ("a shape beyond all", |_| {
        rows("[4611686018427387904,16]", "[1]")
    }),
    ("another type", |_| {
        json(r#"{"inputs":[{"name":"x","datatype":"INT8","shape":[1,16],"data":[1]}]}"#)
    }),
    ("numbers that are none", |_| rows("[1,16]", "[1e999,{}]")),
    ("text that is none", |round| {
        posted(INFER, "", &noise(round, 300))
    }),
    ("binary beyond the body", |_| {
        posted(
            INFER,
            "Inference-Header-Content-Length: 99999999\r\n",
            b"{}",
        )
    }),
    ("an unknown model", |round| {
        posted(&format!("/v2/models/model-{round}/infer"), "", b"{}")
    }),
    ("an unknown version", |round| {
        posted(
            &format!("/v2/models/rows/versions/{}/infer", round + 2),
            "",
            b"{}",
        )
    }),
    ("an unknown path", |round| get(&format!("/v3/{round}"), "")),
    ("a path upwards", |_| {
        posted("/v2/repository/models/..%2f..%2fetc/load", "", b"")
    }),
    ("a model that is not there", |round| {
        posted(&format!("/v2/repository/models/none-{round}/load"), "", b"")
    }),
    ("memory that is not there", |round| {
        let body = format!(r#"{{"key":"nav_soak_none_{round}","offset":0,"byte_size":64}}"#);
        posted(
            &format!("/v2/systemsharedmemory/region/none-{round}/register"),
            "",
            body.as_bytes(),
        )
    }),
    ("a sequence that never began", |round| {
        let parameters = format!(r#""parameters":{{"sequence_id":{}}}"#, round + (1 << 50));
        let body = format!(
            r#"{{{parameters},"inputs":[{{"name":"x","datatype":"FP32","shape":[1,16],"data":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}}]}}"#
        );
        posted("/v2/models/sums/infer", "", body.as_bytes())
    }),
    ("a configuration that is none", |round| {
        let body = format!(r#"{{"parameters":{{"config":"{{\"backend\":\"none-{round}\"}}"}}}}"#);
        posted("/v2/repository/models/kept/load", "", body.as_bytes())
    }),
    ("a body beyond all", |_| {
        format!("POST {INFER} HTTP/1.1\r\nHost: soak\r\nContent-Length: 99999999999\r\n\r\n")
            .into_bytes()
    }),
    ("chunks that are none", |_| {
        format!("POST {INFER} HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            .into_bytes()
    }),
    ("two lengths", |_| {
        format!("POST {INFER} HTTP/1.1\r\nHost: soak\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}").into_bytes()
    }),
    ("gzip that is none", |round| {
        posted(INFER, "Content-Encoding: gzip\r\n", &noise(round, 500))
    }),
    ("many headers", |_| get("/v2", &"x: y\r\n".repeat(5000))),
    ("a long header", |_| {
        get("/v2", &format!("x: {}\r\n", "y".repeat(1 << 20)))
    }),
    ("a header with a zero", |_| get("/v2", "x: a\0b\r\n")),
    ("no HTTP", |round| {
        [&noise(round, 64)[..], b"\r\n\r\n"].concat()
    }),
    ("a greeting of TLS", |round| {
        [
            &[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3],
            &noise(round, 190)[..],
        ]
        .concat()
    }),
];

/// Requests that are right, or begin like that, and that nobody waits for.
const LEFT: &[(&str, Attack)] = &[
    ("left in the middle of a body", |_| {
        format!("POST {INFER} HTTP/1.1\r\nHost: soak\r\nContent-Length: 5000\r\n\r\n{{\"inputs\"")
            .into_bytes()
    }),
    ("left in the middle of a head", |_| {
        b"POST /v2/models/rows/infer HT".to_vec()
    }),
    ("left before the answer", |_| {
        rows("[1,16]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]")
    }),
    ("left in a stream", |_| {
        posted(
            "/v2/models/talk/generate_stream",
            "",
            br#"{"IN":[1,2,3,4],"DELAY":[5,5,5,5]}"#,
        )
    }),
    ("left in a call", |_| frames::unfinished("ModelStreamInfer")),
];

/// What begins on a connection that then does not move.
const STILL: &[(&str, Attack)] = &[
    ("nothing at all", |_| Vec::new()),
    ("half a head", |_| {
        b"GET /v2/health/ready HTTP/1.1\r\nHost: so".to_vec()
    }),
    ("half a body", |_| {
        format!("POST {INFER} HTTP/1.1\r\nHost: soak\r\nContent-Length: 70000\r\n\r\n{{")
            .into_bytes()
    }),
    ("answers that nobody reads", |_| {
        let x = vec![0; 4 << 20];
        let header = format!(
            r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{{"name":"x","datatype":"FP32","shape":[{}],"parameters":{{"binary_data_size":{}}}}}]}}"#,
            x.len() / 4,
            x.len()
        );
        let line = format!("Inference-Header-Content-Length: {}\r\n", header.len());
        posted(
            "/v2/models/kept/infer",
            &line,
            &[header.as_bytes(), &x].concat(),
        )
    }),
    ("a stream that nobody reads", |_| {
        let many: Vec<String> = (0..20_000).map(|it| it.to_string()).collect();
        let body = format!(r#"{{"IN":[{}]}}"#, many.join(","));
        posted("/v2/models/talk/generate_stream", "", body.as_bytes())
    }),
    ("HTTP/2 that is only begun", |_| frames::begun()),
    ("a call that is only begun", |_| {
        frames::unfinished("ModelStreamInfer")
    }),
];

/// Attacks in turns, until it is over.
pub(crate) fn attack(at: Addresses, over: &Over, tally: &Tally) {
    over.every(GAP, |round| {
        if let Some((name, attack)) = turn(ATTACKS, round) {
            tally.note(name, refused(at.http, &attack(round)));
        }
        if let Some((name, attack)) = turn(frames::ATTACKS, round) {
            let seen = frames::send(at.grpc, &attack(round));
            tally.note(name, seen.and_then(|seen| ended(&seen)));
        }
        if let Some((name, begin)) = turn(LEFT, round) {
            let is_call = name.ends_with("call");
            tally.note(
                name,
                leave(if is_call { at.grpc } else { at.http }, &begin(round)),
            );
        }
    });
}

/// Keeps clients there that do not move, until it is over.
pub(crate) fn linger(at: Addresses, over: &Over, tally: &Tally) {
    let mut there: Vec<(Instant, &str, TcpStream)> = Vec::new();
    over.every(LINGERS_GAP, |round| {
        there.retain(|(since, name, stream)| {
            if has_gone(stream) {
                tally.note(&format!("{name}: shown the door"), Ok(()));
                return false;
            }
            since.elapsed() < LINGERS
        });
        let begun = turn(STILL, round).filter(|_| there.len() < LINGERERS);
        if let Some((name, begin)) = begun {
            let begun = still(at.http, &begin(round));
            let outcome = begun.map(|stream| there.push((Instant::now(), name, stream)));
            tally.note(name, outcome.map_err(|error| error.to_string()));
        }
    });
}

fn turn<T>(all: &'static [T], round: u64) -> Option<&'static T> {
    let index = usize::try_from(round).ok()? % all.len();
    all.get(index)
}

/// Whether these bytes are refused with a status that says so, or the connection is closed.
fn refused(address: SocketAddr, wire: &[u8]) -> Result<(), String> {
    let mut stream = connect(address).map_err(|error| format!("no connection: {error}"))?;
    let began = Instant::now();
    // A server that has had enough of it does not take the rest.
    let is_sent = stream.write_all(wire).is_ok();
    match receive(&mut stream) {
        Ok(reply) if (400..500).contains(&reply.status) => Ok(()),
        Ok(reply) => Err(format!("status {}: {}", reply.status, reply.text())),
        Err(why) if is_sent && began.elapsed() >= PATIENCE => Err(why),
        Err(_) => Ok(()),
    }
}

/// A stream that is answered without a message, or ended.
fn ended(seen: &frames::Seen) -> Result<(), String> {
    if seen.data.is_empty() && (seen.is_answered || seen.is_ended) {
        Ok(())
    } else {
        Err(format!("it is answered: {seen:?}"))
    }
}

fn leave(address: SocketAddr, wire: &[u8]) -> Result<(), String> {
    let mut stream = connect(address).map_err(|error| format!("no connection: {error}"))?;
    stream.write_all(wire).map_err(|error| error.to_string())
}

/// A connection on which this was sent, as far as the server takes it at once.
fn still(address: SocketAddr, wire: &[u8]) -> std::io::Result<TcpStream> {
    let mut stream = connect(address)?;
    stream.write_all(wire)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Whether the server has closed it, as far as can be told without reading what it sent.
fn has_gone(stream: &TcpStream) -> bool {
    let mut byte = [0];
    match stream.peek(&mut byte) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
