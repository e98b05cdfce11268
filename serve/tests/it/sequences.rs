//! Whose sequences are: everybody's who knows their names, unless the operator binds them to their connections.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nav_engine::{
    Call, CorrelationId, Engine, EngineOptions, ModelOptions, Response, SequencePolicy,
};
use nav_package_format::DType;
use nav_serve::ServerOptions;
use serde_json::{Value, json};

use crate::models::{each, echo, one};
use crate::rpc::{Client, path};
use crate::subject::{PATIENCE, Reply, Subject, options, posted, receive};

const INVALID: i32 = 3;
const FOREIGN: &str = "[request id: <id_unknown>] sequence 7 belongs to another connection";

/// The sum so far of each sequence, none of which is forgotten while a test runs.
fn summing() -> Engine {
    let sums: Mutex<HashMap<CorrelationId, u8>> = Mutex::default();
    let sum = move |call: &Call| {
        let part = call.correlation().unwrap();
        let mut sums = sums.lock().unwrap();
        let sum = sums.entry(part.id.clone()).or_default();
        *sum = u8::from(!part.start) * *sum + call.input(0).unwrap().contiguous()[0];
        let mut response: Response = echo(call)?;
        response.outputs[0].bytes = vec![*sum].into();
        Ok(response)
    };
    let options = ModelOptions {
        sequences: Some(SequencePolicy {
            idle: Duration::from_hours(1),
            ..SequencePolicy::default()
        }),
        ..ModelOptions::default()
    };
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let spec = each(one(DType::Uint8, &[1]), options, sum);
    engine.load("sum", 1, spec).unwrap();
    engine
}

fn serving(own_sequences: bool) -> Subject {
    let options = ServerOptions {
        own_sequences,
        ..options()
    };
    Subject::start(summing(), options)
}

/// A part of sequence 7 that adds this.
fn asked(route: &str, start: bool, value: u8) -> Vec<u8> {
    let parameters = json!({"sequence_id": 7, "sequence_start": start});
    let body = match route {
        "infer" => json!({"parameters": parameters,
            "inputs": [{"name": "INPUT0", "datatype": "UINT8", "shape": [1], "data": [value]}]}),
        _ => json!({"INPUT0": value, "parameters": parameters}),
    };
    body.to_string().into_bytes()
}

fn route_path(route: &str) -> String {
    format!("/v2/models/sum/{route}")
}

/// What a part comes to, over this connection.
fn add(stream: &mut TcpStream, route: &str, start: bool, value: u8) -> Reply {
    let wire = posted(&route_path(route), &[], &asked(route, start, value));
    stream.write_all(&wire).unwrap();
    receive(stream).unwrap()
}

fn sum(reply: &Reply) -> Result<u64, String> {
    told(reply.status, &reply.body)
}

/// The same over HTTP/2, where each request is a stream of its own.
fn add_in_stream(client: &Client, route: &str, start: bool, value: u8) -> Result<u64, String> {
    let (status, body) = client.post(&route_path(route), asked(route, start, value));
    told(status, &body)
}

fn told(status: u16, body: &[u8]) -> Result<u64, String> {
    let told: Value = serde_json::from_slice(body).unwrap();
    let number = told["OUTPUT0"].as_u64();
    match number.or_else(|| told["outputs"][0]["data"][0].as_u64()) {
        Some(sum) => Ok(sum),
        None => Err(format!("{status} {}", told["error"].as_str().unwrap())),
    }
}

/// The same over gRPC.
fn part(start: bool, value: u8) -> Value {
    json!({"model_name": "sum",
        "parameters": {"sequence_id": {"int64_param": 7}, "sequence_start": {"bool_param": start}},
        "inputs": [{"name": "INPUT0", "datatype": "UINT8", "shape": [1], "contents": {"uint_contents": [value]}}]})
}

fn call(client: &Client, start: bool, value: u8) -> Result<Value, (i32, String)> {
    let told = client.infer(&part(start, value))?;
    Ok(told["raw_output_contents"][0].clone())
}

fn foreign() -> String {
    format!("400 {FOREIGN}")
}

/// Asks until it is answered, as the server needs a moment to see that a connection is gone.
fn at_last<T, E: std::fmt::Debug>(ask: impl Fn() -> Result<T, E>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < until, "{error:?}"),
        }
    }
}

#[test]
fn everybody_goes_on_with_a_sequence_unless_the_operator_says_otherwise() {
    let subject = serving(false);
    let (mut one, mut other) = (subject.connect(), subject.connect());
    let client = Client::connect(subject.grpc);
    assert_eq!(sum(&add(&mut one, "infer", true, 1)), Ok(1));
    assert_eq!(sum(&add(&mut other, "infer", false, 2)), Ok(3));
    assert_eq!(call(&client, false, 4), Ok(json!("Bw==")));
    drop((one, other));
    assert_eq!(sum(&add(&mut subject.connect(), "infer", false, 8)), Ok(15));
}

#[test]
fn a_sequence_is_that_of_its_connection_over_http() {
    let subject = serving(true);
    for route in ["infer", "generate"] {
        let (mut one, mut other) = (subject.connect(), subject.connect());
        at_last(|| sum(&add(&mut one.try_clone().unwrap(), route, true, 1)));
        for start in [false, true] {
            let refused = sum(&add(&mut other, route, start, 2));
            assert_eq!(refused, Err(foreign()), "{route}");
        }
        assert_eq!(sum(&add(&mut one, route, false, 4)), Ok(5), "{route}");
        drop(one);
        let begun = at_last(|| sum(&add(&mut other.try_clone().unwrap(), route, true, 8)));
        assert_eq!(begun, 8);
    }
}

#[test]
fn a_sequence_is_that_of_its_connection_over_grpc() {
    let subject = serving(true);
    let (one, other) = (Client::connect(subject.grpc), Client::connect(subject.grpc));
    assert_eq!(call(&one, true, 1), Ok(json!("AQ==")));
    for start in [false, true] {
        assert_eq!(call(&other, start, 2), Err((INVALID, FOREIGN.to_owned())));
    }
    assert_eq!(
        sum(&add(&mut subject.connect(), "infer", false, 2)),
        Err(foreign())
    );
    // A stream of the same connection goes on with it.
    let mut talk = one.open(&path("ModelStreamInfer"), &[]);
    talk.send(&part(false, 4));
    let told = talk.answer().unwrap();
    assert_eq!(
        told["infer_response"]["raw_output_contents"],
        json!(["BQ=="])
    );
    talk.end();
    let mut talk = other.open(&path("ModelStreamInfer"), &[]);
    talk.send(&part(false, 4));
    assert_eq!(talk.answer().unwrap()["error_message"], FOREIGN);
    talk.end();
    drop(one);
    assert_eq!(at_last(|| call(&other, true, 8)), json!("CA=="));
}

#[test]
fn a_sequence_is_that_of_its_connection_over_plain_http_2() {
    let subject = serving(true);
    for route in ["infer", "generate"] {
        let (one, other) = (Client::connect(subject.http), Client::connect(subject.http));
        assert_eq!(at_last(|| add_in_stream(&one, route, true, 1)), 1);
        for start in [false, true] {
            let refused = add_in_stream(&other, route, start, 2);
            assert_eq!(refused, Err(foreign()), "{route}");
        }
        let refused = sum(&add(&mut subject.connect(), route, false, 2));
        assert_eq!(refused, Err(foreign()), "{route}");
        // Another stream of the connection goes on with it.
        assert_eq!(add_in_stream(&one, route, false, 4), Ok(5), "{route}");
        drop(one);
        assert_eq!(at_last(|| add_in_stream(&other, route, true, 8)), 8);
    }
}
