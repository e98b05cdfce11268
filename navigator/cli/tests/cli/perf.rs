//! `nav perf` as a user runs it, against a server that answers by rote.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread::Builder;

use rustix::process::{Pid, Signal, kill_process};

use crate::nav::{Ended, Place};
use crate::serve::Served;

/// So briefly that only what is told counts.
const BRIEF: [&str; 4] = ["--warm-up", "0s", "--time", "200ms"];

/// A server of a model `m` that answers inference with this status and body.
fn server(status: &'static str, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let deal = move || deal(stream, status, answer).ok();
            Builder::new().name("rote".to_owned()).spawn(deal).unwrap();
        }
    };
    Builder::new()
        .name("rote".to_owned())
        .spawn(accept)
        .unwrap();
    address
}

fn deal(mut stream: TcpStream, status: &str, answer: &str) -> std::io::Result<()> {
    while let Some(head) = request(&mut stream)? {
        let path = head.split(' ').nth(1).unwrap();
        let (status, body) = match path {
            "/v2/models/m" => (
                "200 OK",
                r#"{"name":"m","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]}]}"#,
            ),
            "/v2/models/m/config" => ("200 OK", r#"{"max_batch_size":4}"#),
            "/v2/models/m/infer" => (status, answer),
            _ => ("404 Not Found", r#"{"error":"no such thing"}"#),
        };
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// The head of the next request, whose body is read too.
fn request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut memory = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= head.len() + 4 + length {
                return Ok(Some(head.to_owned()));
            }
        }
        let count = stream.read(&mut memory)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&memory[..count]);
    }
}

/// What `y` is when it is right.
const RIGHT: &str =
    r#"{"outputs":[{"name":"y","datatype":"FP32","shape":[1,2],"data":[1.0,2.0]}]}"#;

fn perf(place: &Place, address: SocketAddr, more: &[&str]) -> Ended {
    let url = address.to_string();
    let arguments = ["perf", "-m", "m", "-u", &url];
    place.nav(&[&arguments[..], &BRIEF, more].concat())
}

/// What is told in JSON, measured again while nothing was answered in the time that is measured, as may be where the machine is
/// busy.
fn until_answered(measured: impl Fn() -> Ended) -> serde_json::Value {
    let mut told = (0..100).map(|_| measured().expect(0, &[]).json());
    let is_answered = |json: &serde_json::Value| {
        let level = &json["levels"][0];
        level["throughput"].as_f64() > Some(0.0)
    };
    told.find(is_answered).unwrap()
}

#[test]
fn each_amount_is_a_line_in_every_form() {
    let place = Place::new();
    let address = server("200 OK", RIGHT);
    let more = [
        "--concurrency",
        "1..4",
        "--csv",
        "figures.csv",
        "--report",
        "page.html",
    ];
    let ended = perf(&place, address, &more).expect(0, &["m on 127.0.0.1"]);
    let first: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(&first[..4], ["LOAD", "1", "2", "4"], "{}", ended.stdout);
    let figures = std::fs::read_to_string(place.path("figures.csv")).unwrap();
    let lines: Vec<&str> = figures.lines().collect();
    assert!(lines[0].starts_with("concurrency,rate,seconds,requests,throughput"));
    assert!(lines[1].starts_with("1,,0.2,"), "{figures}");
    assert_eq!(lines.len(), 4);
    let fields = lines.iter().map(|line| line.split(',').count());
    assert!(
        fields
            .clone()
            .all(|count| Some(count) == fields.clone().next())
    );
    let page = std::fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.contains("Latency against throughput"));
    let more = ["--json", "--protocol", "http-json"];
    let json = until_answered(|| perf(&place, address, &more));
    assert_eq!(json["schema"], 1);
    let level = &json["levels"][0];
    assert_eq!(level["concurrency"], 1);
    assert!(level["requests"].as_u64().unwrap() > 0);
    assert!(level["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    // It has no statistics, and listens in the process of this test.
    assert!(level["server"].is_null());
    assert!(level["process"]["memory_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn a_rate_is_what_was_asked() {
    let place = Place::new();
    let address = server("200 OK", RIGHT);
    let more = ["--rate", "200", "--arrivals", "poisson", "--json"];
    let json = perf(&place, address, &more).expect(0, &[]).json();
    let level = &json["levels"][0];
    assert_eq!(level["rate"], 200.0);
    assert!(level["concurrency"].is_null());
}

#[test]
fn rows_are_counted_where_requests_have_several() {
    let place = Place::new();
    let answer =
        r#"{"outputs":[{"name":"y","datatype":"FP32","shape":[3,2],"data":[1,2,3,4,5,6]}]}"#;
    let address = server("200 OK", answer);
    let json = until_answered(|| perf(&place, address, &["--batch", "3", "--json"]));
    let level = &json["levels"][0];
    let (rows, requests) = (&level["rows_per_second"], &level["throughput"]);
    let ratio = rows.as_f64().unwrap() / requests.as_f64().unwrap();
    assert!((ratio - 3.0).abs() < 1e-9);
}

#[test]
fn failures_are_told_and_nothing_but_failures_is_one() {
    let place = Place::new();
    let refusing = server("503 Full", r#"{"error":"too much"}"#);
    let ended = perf(&place, refusing, &[]);
    let ended = ended.expect(1, &["no request to `m`", "status 503: too much"]);
    assert!(
        ended.stdout.contains("failed, status 503: too much"),
        "{}",
        ended.stdout
    );
    // A success without the outputs is none.
    let empty = server("200 OK", "{}");
    perf(&place, empty, &[]).expect(1, &["broken answer", "`y` is not there"]);
    perf(&place, empty, &["--no-check"]).expect(0, &[]);
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    let place = Place::new();
    let address = server("200 OK", RIGHT);
    let check = |more: &[&str], said: &str| {
        perf(&place, address, more).expect(2, &[said]);
    };
    check(&["--concurrency", "8..1"], "is no amount");
    check(&["--concurrency", "0.5"], "is no number of requests");
    check(&["--batch", "5"], "4 rows at most");
    check(&["--shape", "z=2"], "there is no input `z`; there are `x`");
    check(&["--shape", "x=3"], "does not fit");
    check(&["--output", "z"], "has no output `z`");
    check(&["--dim", "batch=2"], "a server does not name dimensions");
    check(&["--header", "a b=c"], "cannot travel");
    check(&["--tls-certificate", "a.pem"], "--tls-key");
    let plain = format!("http://{address}");
    let both = ["perf", "-m", "m", "-u", &plain, "--tls"];
    place.nav(&both).expect(2, &["does not encrypt"]);
    let inside = ["perf", "double.onnx", "--tls-authorities", "ca.pem"];
    place.nav(&inside).expect(2, &["no connections to encrypt"]);
    check(
        &["--rate", "5", "--concurrency", "1"],
        "cannot be used with",
    );
    place.nav(&["perf"]).expect(2, &["required"]);
}

#[test]
fn a_server_that_is_not_there_is_told_by_its_address() {
    let place = Place::new();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let said = address.to_string();
    perf(&place, address, &[]).expect(1, &[&said, "refused"]);
}

#[test]
fn whoever_ends_it_gets_what_there_is() {
    let place = Place::new();
    let address = server("200 OK", RIGHT).to_string();
    let mut command = place.command(&["perf", "-m", "m", "-u", &address, "--time", "1h"]);
    command.args(["--uncertainty", "0", "--warm-up", "0s", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    // Whatever it does when the signal comes, it must not end for it without a word.
    while threads(child.id()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["levels"][0]["ended"], "interrupted");
}

/// How many threads a process has that send requests.
fn threads(process: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let names = tasks
        .into_iter()
        .flatten()
        .flatten()
        .map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default());
    names.filter(|name| name.starts_with("perf-")).count()
}

#[test]
fn no_warm_up_is_none_in_every_unit() {
    let place = Place::new();
    let address = server("200 OK", RIGHT).to_string();
    for none in ["0", "0s", "0ms"] {
        let arguments = ["perf", "-m", "m", "-u", &address, "--warm-up", none];
        place
            .nav(&[&arguments[..], &["--time", "200ms"]].concat())
            .expect(0, &[]);
    }
}

#[test]
fn a_token_is_one_line_of_its_file() {
    let place = Place::new();
    let address = server("200 OK", RIGHT);
    let token = ["--access-token-file", "token"];
    place.write("token", b"two\nlines\n");
    perf(&place, address, &token).expect(1, &["holds no secret"]);
    place.write("token", b"one line\n");
    perf(&place, address, &token).expect(0, &[]);
}

#[test]
fn a_server_that_encrypts_is_measured_by_both_protocols() {
    if !cfg!(feature = "tract") {
        return;
    }
    let place = Place::new();
    place.doubling_model();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    place.write("server.pem", made.cert.pem().as_bytes());
    place.write("server.key", made.signing_key.serialize_pem().as_bytes());
    let secure = ["--tls-certificate", "server.pem", "--tls-key", "server.key"];
    let arguments = ["double.onnx", "--log-format", "json"];
    let mut served = Served::start(&place, &[&arguments[..], &secure].concat());
    let ready: serde_json::Value =
        serde_json::from_str(&served.says(r#""event":"ready""#)).unwrap();
    for (protocol, scheme) in [("http", "https"), ("grpc", "grpcs")] {
        let address = ready[protocol].as_str().unwrap();
        let bare = address.rsplit('/').next().unwrap();
        let url = format!("{scheme}://{bare}");
        let arguments = ["perf", "-m", "double", "-u", &url, "-i", protocol, "--json"];
        let believed = ["--tls-authorities", "server.pem"];
        let level = |more: &[&str]| place.nav(&[&arguments[..], &BRIEF, more].concat());
        let json = until_answered(|| level(&believed));
        assert!(json["levels"][0]["requests"].as_u64().unwrap() > 0);
        assert!(json["levels"][0]["server"]["succeeded"].as_u64().unwrap() > 0);
        // Nobody vouches for it.
        level(&[]).expect(1, &["certificate"]);
    }
}

#[test]
fn a_model_is_measured_in_this_process() {
    if !cfg!(feature = "tract") {
        return;
    }
    let place = Place::new();
    place.doubling_model();
    let arguments = [
        "perf",
        "double.onnx",
        "--json",
        "--max-batch",
        "4",
        "--concurrency",
        "2",
    ];
    let json = until_answered(|| place.nav(&[&arguments[..], &BRIEF].concat()));
    let level = &json["levels"][0];
    assert!(level["server"]["succeeded"].as_u64().unwrap() > 0);
    assert_eq!(level["failures"].as_array().unwrap().len(), 0);
}
