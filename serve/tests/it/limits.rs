//! What clients may not take: too large, too deep, too slow, too many.

use std::io::Write;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nav_engine::{Call, Engine, EngineOptions, ModelOptions};
use nav_package_format::DType;
use nav_serve::{Limits, ServerOptions};

use crate::models::{each, echo, engine, one};
use crate::subject::{PATIENCE, Subject, options, posted, receive};

const PATH: &str = "/v2/models/ident_fp32/infer";

fn limited(limits: Limits) -> Subject {
    let options = ServerOptions {
        limits,
        ..options()
    };
    Subject::start(engine(), options)
}

#[test]
fn bodies_are_limited_as_they_are_announced_sent_and_decompressed() {
    let subject = limited(Limits {
        body: 1000,
        ..Limits::default()
    });
    let check = |wire: &[u8]| {
        let reply = subject.send(wire).unwrap();
        let text = r#"{"error":"the body is larger than 1000 bytes, which is the limit"}"#;
        assert_eq!((reply.status, reply.text()), (413, text));
    };
    check(&posted(PATH, &[], &[b' '; 1001]));
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", " ".repeat(1001));
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    check(format!("{head}{chunk}").as_bytes());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    check(&posted(
        PATH,
        &["Content-Encoding: gzip", "Accept: */*"],
        &bomb[..],
    ));
}

#[test]
fn a_body_comes_in_only_so_many_pieces() {
    let subject = limited(Limits {
        frames: 10,
        ..Limits::default()
    });
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunks = "1\r\n \r\n".repeat(11);
    let reply = subject.send(format!("{head}{chunks}0\r\n\r\n").as_bytes());
    let text = r#"{"error":"the body comes in more than 10 pieces"}"#;
    let reply = reply.unwrap();
    assert_eq!((reply.status, reply.text()), (400, text));
}

#[test]
fn bodies_on_their_way_share_a_budget() {
    let subject = limited(Limits {
        bodies: 100,
        ..Limits::default()
    });
    let reply = subject.post(PATH, &[], &[b' '; 101]);
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (503, Some("1"))
    );
    assert_eq!(subject.post(PATH, &[], b"{}").status, 400);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_bodies_become_when_they_are_decompressed_counts_too() {
    let subject = limited(Limits {
        bodies: 100_000,
        ..Limits::default()
    });
    let packed = ["Content-Encoding: gzip"];
    let reply = subject.post(PATH, &packed, &gzip(&vec![b' '; 200_000]));
    let text = r#"{"error":"requests on their way hold as much memory as they may"}"#;
    assert_eq!((reply.status, reply.text()), (503, text));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let within = [ONE, &vec![b' '; 90_000]].concat();
    for _ in 0..3 {
        // Each gives back what it took.
        assert_eq!(subject.post(PATH, &packed, &gzip(&within)).status, 200);
    }
}

#[test]
fn there_are_only_so_many_of_what_is_small_on_its_way_and_large_in_memory() {
    let subject = limited(Limits::default());
    let check = |body: String, expected: &str| {
        let reply = subject.post(PATH, &[], body.as_bytes());
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(expected), "{}", reply.text());
    };
    let many = |item: &str| vec![item; 20_000].join(",");
    check(
        format!(r#"{{"inputs":[{}]}}"#, many("{}")),
        "more than 16384 inputs",
    );
    check(
        format!(r#"{{"inputs":[],"outputs":[{}]}}"#, many(r#"{"name":""}"#)),
        "more than 16384 outputs",
    );
    check(
        format!(r#"{{"inputs":[{{"shape":[{}]}}]}}"#, many("1")),
        "more than 1024 dimensions",
    );
    let members: Vec<String> = (0..20_000).map(|it| format!(r#""{it}":0"#)).collect();
    check(
        format!("{{{}}}", members.join(",")),
        "an object has too many members",
    );
}

#[test]
fn what_a_client_sent_comes_back_only_so_far() {
    let subject = limited(Limits::default());
    let name = "x".repeat(1 << 20);
    let body = format!(r#"{{"inputs":[],"outputs":[{{"name":"{name}"}}]}}"#);
    let reply = subject.post(PATH, &[], body.as_bytes());
    assert_eq!(reply.status, 400);
    assert!(reply.body.len() < 5000, "{}", reply.body.len());
}

#[test]
fn json_is_only_so_deep() {
    let subject = limited(Limits::default());
    let check = |depth: usize, expected: &str| {
        let body = format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let reply = subject.post(PATH, &[], body.as_bytes());
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(expected), "{}", reply.text());
    };
    check(99, "non-existing object member 'inputs'");
    check(100, "nested too deeply");
    check(100_000, "nested too deeply");
    // Whatever reads JSON reads it like this.
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(101), "]".repeat(101));
    for path in ["/v2/logging", "/v2/trace/setting", "/v2/repository/index"] {
        let check = |body: &str, expected: &str| {
            let reply = subject.post(path, &[], body.as_bytes());
            assert_eq!(reply.status, 400, "{path}");
            assert!(reply.text().contains(expected), "{path}: {}", reply.text());
        };
        check(&deep, "nested too deeply");
        check(
            r#"{"ready":true,"ready":false}"#,
            "an object has a member twice",
        );
        check("{}{}", "must not be followed by other values");
    }
}

#[test]
fn who_is_too_slow_is_told_or_cut_off() {
    let subject = limited(Limits {
        head_time: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut idle = subject.connect();
    assert_eq!(receive(&mut idle), None);
    let mut half = subject.connect();
    half.write_all(b"GET /v2/health/live HTTP/1.1\r\nHost")
        .unwrap();
    let cut = receive(&mut half);
    assert!(cut.is_none_or(|reply| reply.status == 408));
    // With all the time for its head, which may come later where the machine is busy.
    let subject = limited(Limits {
        pause: Duration::from_millis(50),
        ..Limits::default()
    });
    let mut stalled = subject.connect();
    let wire = posted(PATH, &[], &[b' '; 100]);
    stalled.write_all(&wire[..wire.len() - 1]).unwrap();
    assert_eq!(receive(&mut stalled).unwrap().status, 408);
}

#[test]
fn connections_beyond_the_limit_wait_for_their_turn() {
    let subject = limited(Limits {
        connections: 1,
        ..Limits::default()
    });
    let first = subject.connect();
    let mut second = subject.connect();
    second
        .write_all(b"GET /v2/health/live HTTP/1.1\r\nHost: t\r\n\r\n")
        .unwrap();
    let mut seen = [0];
    second.set_nonblocking(true).unwrap();
    assert!(second.peek(&mut seen).is_err(), "it is not its turn");
    second.set_nonblocking(false).unwrap();
    drop(first);
    assert_eq!(receive(&mut second).unwrap().status, 200);
}

/// A model that says when it runs, and goes on when it is told to.
pub(crate) fn gated() -> (Engine, mpsc::Receiver<()>, mpsc::Sender<()>) {
    gated_as(ModelOptions {
        max_waiting: 1,
        ..ModelOptions::default()
    })
}

/// The same, served like this.
pub(crate) fn gated_as(options: ModelOptions) -> (Engine, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (entered, entries) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let call = move |call: &Call| {
        // A test that is over waits for nothing.
        entered.send(()).ok();
        gate.lock().unwrap().recv_timeout(PATIENCE).ok();
        echo(call)
    };
    let spec = each(one(DType::Fp32, &[-1, -1]), options, call);
    engine.load("ident_fp32", 1, spec).unwrap();
    (engine, entries, go_on)
}

pub(crate) const ONE: &[u8] =
    br#"{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]}"#;

#[test]
fn a_full_queue_refuses_at_once_and_a_client_that_leaves_frees_its_place() {
    let (engine, entries, go_on) = gated();
    let watched = engine.clone();
    let subject = Subject::start(engine, options());
    let ask = || {
        let mut stream = subject.connect();
        stream.write_all(&posted(PATH, &[], ONE)).unwrap();
        stream
    };
    let until = |waiting: usize| {
        let model = watched.model("ident_fp32", None).unwrap();
        let began = std::time::Instant::now();
        while model.waiting() != waiting && began.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        assert_eq!(model.waiting(), waiting);
    };
    let mut running = ask();
    entries.recv_timeout(PATIENCE).unwrap();
    let waiting = ask();
    until(1);
    let refused = subject.post(PATH, &[], ONE);
    assert_eq!(refused.status, 503);
    assert!(
        refused.text().contains("Exceeds maximum queue size"),
        "{}",
        refused.text()
    );
    assert!(refused.header("retry-after").is_some());
    drop(waiting);
    until(0);
    go_on.send(()).unwrap();
    assert_eq!(receive(&mut running).unwrap().status, 200);
}
