//! Generation: flat objects in, one of them or a stream of events out.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use nav_engine::{Batch, Callable, Engine, EngineOptions, InferError, ModelOptions, ModelSpec};
use nav_serve::{Limits, ServerOptions, TraceOptions, TraceSettings};

use crate::models::engine;
use crate::models::talking::{text, texts};
use crate::subject::{PATIENCE, Subject, options, posted, receive, receive_chunk, receive_head};

const ECHO: &str = "/v2/models/textecho/generate";
const STREAM: &str = "/v2/models/textstream/generate_stream";

#[test]
fn members_that_name_inputs_are_tensors_and_others_are_parameters() {
    let subject = Subject::start(engine(), options());
    let check = |model: &str, body: &str, expected: &str| {
        let path = format!("/v2/models/{model}/generate");
        let reply = subject.post(&path, &[], body.as_bytes());
        assert_eq!((reply.status, reply.text()), (200, expected));
        assert_eq!(reply.header("content-type"), Some("application/json"));
    };
    check(
        "textecho",
        r#"{"text_input":"hi","suffix":"you","id":"a\"b"}"#,
        r#"{"id":"a\"b","model_name":"textecho","model_version":"1","text_output":"hi you"}"#,
    );
    check(
        "textecho/versions/1",
        r#"{"parameters":{"text_input":["hi"],"suffix":"there"}}"#,
        r#"{"model_name":"textecho","model_version":"1","text_output":"hi there"}"#,
    );
    check(
        "ident_fp32",
        r#"{"INPUT0":[1,2.5,3]}"#,
        r#"{"OUTPUT0":[1.0,2.5,3.0],"model_name":"ident_fp32","model_version":"1"}"#,
    );
    check(
        "addsub",
        r#"{"INPUT0":[1,2,3,4,5,6,7,8],"INPUT1":[1,1,1,1,2,2,2,2]}"#,
        r#"{"OUTPUT0":[2,3,4,5,7,8,9,10],"OUTPUT1":[0,1,2,3,3,4,5,6],"model_name":"addsub","model_version":"1"}"#,
    );
    check(
        "reqinfo",
        r#"{"INPUT0":1,"id":"r","parameters":{"sequence_id":7,"sequence_start":true,"more":2}}"#,
        r#"{"OUTPUT0":"{\"correlation_id\": 7, \"flags\": 1, \"id\": \"r\", \"parameters\": {\"more\": 2}, \"timeout\": 0}","id":"r","model_name":"reqinfo","model_version":"1"}"#,
    );
    check(
        "repeat",
        r#"{"INPUT0":1}"#,
        r#"{"OUTPUT0":0,"model_name":"repeat","model_version":"1"}"#,
    );
}

#[test]
fn what_is_not_one_response_is_an_error_and_no_success_with_an_error_in_it() {
    let subject = Subject::start(engine(), options());
    let many = r#"{"error":"generate expects model to produce exactly 1 response, use generate stream for model that produces various number of responses"}"#;
    let error = r#"{"error":"stream error"}"#;
    let check = |words: &str, status: u16, expected: &str| {
        let body = format!("{{\"text_input\":\"{words}\"}}");
        let reply = subject.post("/v2/models/textstream/generate", &[], body.as_bytes());
        assert_eq!((reply.status, reply.text()), (status, expected), "{words}");
    };
    check("", 400, many);
    check("one two", 400, many);
    check("one ERR", 500, error);
    check("ERR", 500, error);
    check(
        "one",
        200,
        r#"{"model_name":"textstream","model_version":"1","text_output":"one"}"#,
    );
}

#[test]
fn requests_that_cannot_be_are_refused_before_the_model_sees_them() {
    let subject = Subject::start(engine(), options());
    let check = |path: &str, head: &[&str], body: &str, status: u16, expected: &str| {
        for suffix in ["", "_stream"] {
            let reply = subject.post(&format!("{path}{suffix}"), head, body.as_bytes());
            assert_eq!(reply.status, status, "{}", reply.text());
            assert_eq!(reply.text(), format!("{{\"error\":\"{expected}\"}}"));
            assert_eq!(reply.header("content-type"), Some("application/json"));
        }
    };
    let deep = format!("{{\"text_input\":{}", "[".repeat(101));
    let unknown = "Request for unknown model: 'nope' is not found";
    check("/v2/models/nope/generate", &[], "{}", 404, unknown);
    let coding = "Unsupported content-encoding, only 'identity' is supported.";
    check(ECHO, &["Content-Encoding: gzip"], "{}", 400, coding);
    let bad = |body: &str, expected: &str| check(ECHO, &[], body, 400, expected);
    bad("", "the request has no body");
    bad(
        r#"{"text_input":"a","text_input":"b"}"#,
        "failed to parse the request JSON buffer: an object has a member twice at 30",
    );
    bad(
        r#"{"text_input":"a","parameters":{"text_input":"b"}}"#,
        "input 'text_input' is given twice",
    );
    bad(
        r#"{"text_input":[["a"]]}"#,
        "input 'text_input' must be one element or a flat array of them",
    );
    bad(
        r#"{"text_input":["a","b"]}"#,
        "The schema can not convert input 'text_input' to tensor with proper shape",
    );
    bad(
        r#"{"text_input":"a","other":[1]}"#,
        "parameter 'other' must be a string, a number or a truth value",
    );
    bad(
        r#"{"text_input":"a","triton_x":1}"#,
        "parameter 'triton_x' has a name that is the server's own",
    );
    bad(
        r#"{"parameters":1}"#,
        "failed to get request params.: attempt to get members for non-object",
    );
    bad(
        &deep,
        "failed to parse the request JSON buffer: values are nested too deeply at 114",
    );
    let wire = "GET /v2/models/textecho/generate HTTP/1.1\r\nHost: t\r\n\r\n";
    assert_eq!(subject.send(wire.as_bytes()).unwrap().status, 405);
}

fn event(word: &str) -> String {
    format!(
        "data: {{\"model_name\":\"textstream\",\"model_version\":\"1\",\"text_output\":\"{word}\"}}\n\n"
    )
}

#[test]
fn every_response_is_an_event_and_the_first_one_decides_about_the_status() {
    let subject = Subject::start(engine(), options());
    let error = "data: {\"error\":\"stream error\"}\n\n".to_owned();
    let check = |words: &str, status: u16, events: &[String]| {
        let body = format!("{{\"text_input\":\"{words}\"}}");
        let reply = subject.post(STREAM, &[], body.as_bytes());
        assert_eq!((reply.status, reply.text()), (status, &*events.concat()));
        let expected = "text/event-stream; charset=utf-8";
        assert_eq!(reply.header("content-type"), Some(expected));
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    };
    check("", 200, &[]);
    check("one", 200, &[event("one")]);
    check("one two", 200, &[event("one"), event("two")]);
    check(
        "one ERR two",
        200,
        &[event("one"), error.clone(), event("two")],
    );
    check("ERR one", 500, &[error, event("one")]);
}

#[test]
fn generation_is_traced_like_inference() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let trace = TraceOptions {
        file: Some(file.clone()),
        collector: None,
        settings: TraceSettings {
            timestamps: true,
            rate: 1,
            ..TraceSettings::default()
        },
    };
    let subject = Subject::start(engine(), ServerOptions { trace, ..options() });
    subject.post(ECHO, &[], br#"{"text_input":"a","id":"one"}"#);
    subject.post(STREAM, &[], br#"{"text_input":"a b","id":"many"}"#);
    subject.end();
    let text = std::fs::read_to_string(&file).unwrap();
    let traces: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let of = |id: &str| traces.iter().filter(|it| it["request_id"] == id).count();
    assert!(of("one") > 0 && of("many") > 0, "{text}");
}

#[test]
fn a_connection_goes_on_behind_a_stream() {
    let subject = Subject::start(engine(), options());
    let mut stream = subject.connect();
    let wire = posted(STREAM, &[], br#"{"text_input":"one two"}"#);
    stream.write_all(&wire.repeat(2)).unwrap();
    for _ in 0..2 {
        let reply = receive(&mut stream).unwrap();
        assert_eq!(reply.text(), event("one") + &event("two"));
    }
}

/// How a model that streams ended: whether it was heard to the end, and after how many responses.
type Ends = mpsc::Receiver<(bool, usize)>;

/// A model whose responses of so many bytes come until there were `count`, or until nobody listens.
fn streaming(count: usize, bytes: usize, pause: Duration) -> (Engine, Ends) {
    let (ended, ends) = mpsc::channel();
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let call = move |batch: &mut Batch| {
        let mut responder = batch.responder(0).unwrap();
        let mut sent = 0;
        let (_sender, quiet) = mpsc::channel::<()>();
        while sent < count && responder.send(Ok(text(&"x".repeat(bytes)))).is_ok() {
            sent += 1;
            quiet.recv_timeout(pause).ok();
        }
        let is_heard = sent == count;
        if is_heard {
            responder.end();
        } else {
            responder.finish(Err(InferError::Cancelled));
        }
        // A test that is over wants to know no more.
        ended.send((is_heard, sent)).ok();
        Ok(())
    };
    let options = ModelOptions {
        decoupled: true,
        ..ModelOptions::default()
    };
    let spec = ModelSpec::new(Callable::shared(texts(), call), options);
    engine.load("textstream", 1, spec).unwrap();
    (engine, ends)
}

const ASK: &[u8] = br#"{"text_input":"go"}"#;

#[test]
fn a_model_waits_for_a_client_that_reads_slowly_and_nothing_is_lost() {
    const COUNT: usize = 2000;
    let (engine, ends) = streaming(COUNT, 64 << 10, Duration::ZERO);
    let subject = Subject::start(engine, options());
    let mut stream = subject.connect();
    stream.write_all(&posted(STREAM, &[], ASK)).unwrap();
    receive_head(&mut stream);
    // 128 MiB fit neither into the socket nor into what may wait in front of it.
    let waits = ends.recv_timeout(Duration::from_millis(200));
    assert_eq!(waits, Err(mpsc::RecvTimeoutError::Timeout));
    let mut bytes = 0;
    while let Some(chunk) = receive_chunk(&mut stream) {
        bytes += chunk.len();
    }
    assert_eq!(ends.recv_timeout(PATIENCE), Ok((true, COUNT)));
    assert_eq!(bytes, COUNT * event(&"x".repeat(64 << 10)).len());
}

#[test]
fn a_client_that_goes_away_ends_the_stream_of_its_model() {
    let (engine, ends) = streaming(usize::MAX, 1, Duration::ZERO);
    let subject = Subject::start(engine, options());
    let mut stream = subject.connect();
    stream.write_all(&posted(STREAM, &[], ASK)).unwrap();
    receive_head(&mut stream);
    drop(stream);
    let (is_heard, _) = ends.recv_timeout(PATIENCE).unwrap();
    assert!(!is_heard);
}

fn impatient() -> ServerOptions {
    ServerOptions {
        limits: Limits {
            head_time: Duration::from_millis(50),
            ..Limits::default()
        },
        ..options()
    }
}

/// A connection that asked in time, and of whose answer nothing is taken yet. On a busy machine the head of a request may come
/// later than an impatient server waits for it.
fn asked(subject: &Subject) -> TcpStream {
    let ask = || {
        let mut stream = subject.connect();
        stream.write_all(&posted(STREAM, &[], ASK)).ok()?;
        let mut head = [0; 12];
        let count = stream.peek(&mut head).ok()?;
        (head[..count] == *b"HTTP/1.1 200").then_some(stream)
    };
    (0..100).find_map(|_| ask()).unwrap()
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_and_frees_the_model() {
    let (engine, ends) = streaming(usize::MAX, 64 << 10, Duration::ZERO);
    let subject = Subject::start(engine, impatient());
    let stream = asked(&subject);
    let (is_heard, _) = ends.recv_timeout(PATIENCE).unwrap();
    assert!(!is_heard);
    drop(stream);
}

#[test]
fn a_stream_that_is_not_taken_frees_its_model_over_http2_too() {
    let (engine, ends) = streaming(usize::MAX, 64 << 10, Duration::ZERO);
    let subject = Subject::start(engine, impatient());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let response = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(subject.http).await.unwrap();
        let executor = TokioExecutor::new();
        let made = hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await;
        let (mut sender, connection) = made.unwrap();
        tokio::spawn(connection);
        let body = String::from_utf8(ASK.to_vec()).unwrap();
        let request = hyper::Request::post(format!("http://test{STREAM}")).body(body);
        sender.send_request(request.unwrap()).await.unwrap()
    });
    assert_eq!(response.status(), 200);
    let (is_heard, _) = ends.recv_timeout(PATIENCE).unwrap();
    assert!(!is_heard);
    drop(response);
}

#[test]
fn a_model_that_takes_its_time_is_not_cut_off() {
    let (engine, ends) = streaming(3, 1, Duration::from_millis(200));
    let subject = Subject::start(engine, impatient());
    let reply = receive(&mut asked(&subject)).unwrap();
    assert_eq!(reply.text(), event("x").repeat(3));
    assert_eq!(ends.recv_timeout(PATIENCE), Ok((true, 3)));
}

#[test]
fn what_never_came_to_the_model_has_no_stream() {
    let subject = Subject::start(engine(), options());
    let reply = subject.post(STREAM, &[], b"{}");
    assert_eq!(reply.status, 400);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert!(reply.text().contains("text_input"), "{}", reply.text());
}

#[test]
fn large_responses_are_events_as_small_ones_are() {
    let (engine, ends) = streaming(3, 1 << 20, Duration::ZERO);
    let subject = Subject::start(engine, options());
    let reply = subject.post(STREAM, &[], ASK);
    assert_eq!(reply.status, 200);
    assert!(reply.text() == event(&"x".repeat(1 << 20)).repeat(3));
    assert_eq!(ends.recv_timeout(PATIENCE), Ok((true, 3)));
}
