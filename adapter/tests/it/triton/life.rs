//! Servers that run, stop, run again, and end.

use std::io::Write;
use std::sync::Arc;

use nav_adapter::{
    BindOptions, Failure, Inputs, ModelConfig, Outputs, Triton, TritonConfig, TritonError, batch,
};

use super::{Gate, answer, ask, asked, builder, free_ports, more, triton, x, y};
use crate::subject::{Reply, connect, receive};

pub(super) fn bind(triton: &Triton, name: &str) {
    let bound = triton.bind(name, more(), x(), y(), ModelConfig::default());
    bound.unwrap();
}

/// The answer to this, over a connection of its own.
pub(super) fn send(triton: &Triton, wire: &[u8]) -> Reply {
    let mut stream = connect(triton.http_address().unwrap());
    stream.write_all(wire).unwrap();
    receive(&mut stream).unwrap()
}

/// The status of the answer to `GET`.
pub(super) fn status(triton: &Triton, path: &str) -> u16 {
    let wire = format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n");
    send(triton, wire.as_bytes()).status
}

#[test]
fn models_are_served_whenever_they_are_bound() {
    let triton = triton();
    bind(&triton, "before");
    assert!(!triton.is_alive() && triton.http_address().is_none());
    triton.run().unwrap();
    // It runs already.
    triton.run().unwrap();
    bind(&triton, "after");
    for name in ["before", "after"] {
        assert_eq!(ask(&triton, name, &[1]), Ok(vec![2]));
        assert_eq!(status(&triton, &format!("/v2/models/{name}/ready")), 200);
    }
    assert_eq!(status(&triton, "/v2/health/ready"), 200);
}

#[test]
fn several_servers_run_side_by_side_and_tell_where() {
    let (one, other) = (triton(), triton());
    bind(&one, "one");
    bind(&other, "other");
    one.run().unwrap();
    other.run().unwrap();
    let addresses = |it: &Triton| [it.http_address(), it.grpc_address(), it.metrics_address()];
    let mut all: Vec<_> = [addresses(&one), addresses(&other)].concat();
    assert!(all.iter().all(Option::is_some));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6);
    assert_eq!(status(&one, "/v2/models/other/ready"), 404);
    assert_eq!(status(&other, "/v2/models/other/ready"), 200);
}

#[test]
fn a_server_stops_as_often_as_it_is_told_and_runs_again() {
    let triton = triton();
    bind(&triton, "m");
    triton.stop().unwrap();
    for _ in 0..2 {
        triton.run().unwrap();
        assert_eq!(ask(&triton, "m", &[1]), Ok(vec![2]));
        let address = triton.http_address().unwrap();
        triton.stop().unwrap();
        triton.stop().unwrap();
        assert!(!triton.is_alive());
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

#[test]
fn a_server_that_is_dropped_stops() {
    let triton = triton();
    bind(&triton, "m");
    triton.run().unwrap();
    let address = triton.http_address().unwrap();
    drop(triton);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn serving_lasts_until_it_is_stopped() {
    let triton = Arc::new(triton());
    bind(&triton, "m");
    let own = Arc::clone(&triton);
    let thread = std::thread::Builder::new();
    let serving = thread.spawn(move || own.serve()).unwrap();
    // Stopped before it runs, it would run all the same.
    while !triton.is_alive() {
        std::thread::yield_now();
    }
    assert_eq!(ask(&triton, "m", &[1]), Ok(vec![2]));
    triton.stop().unwrap();
    serving.join().unwrap().unwrap();
}

#[test]
fn a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() {
    let one = triton();
    one.run().unwrap();
    let taken = TritonConfig {
        http_port: one.http_address().map(|it| it.port()),
        ..free_ports()
    };
    let other = builder(taken).build().unwrap();
    bind(&other, "m");
    let refused = other.run().unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("cannot listen on 127.0.0.1:")
    );
    assert!(!other.is_alive());
    drop(one);
    other.run().unwrap();
    assert_eq!(ask(&other, "m", &[1]), Ok(vec![2]));
}

#[test]
fn what_is_in_flight_is_answered_before_the_server_ends() {
    let triton = Arc::new(triton());
    let (gate, gated) = Gate::new();
    triton
        .bind("m", gated, x(), y(), ModelConfig::default())
        .unwrap();
    triton.run().unwrap();
    let reply = asked(&triton, "m", &[7]);
    gate.entered();
    let own = Arc::clone(&triton);
    let stopping = std::thread::Builder::new()
        .spawn(move || own.stop())
        .unwrap();
    let engine = triton.engine().unwrap();
    while engine.is_ready() {
        std::thread::yield_now();
    }
    gate.go_on();
    assert_eq!(answer(reply), Ok(vec![7]));
    stopping.join().unwrap().unwrap();
}

#[test]
fn a_callable_that_never_returns_does_not_keep_the_server_from_stopping() {
    let config = TritonConfig {
        exit_timeout_secs: Some(0),
        ..free_ports()
    };
    for is_strict in [false, true] {
        let triton = builder(config.clone()).build().unwrap();
        let (gate, gated) = Gate::new();
        let options = BindOptions {
            strict: is_strict,
            ..BindOptions::default()
        };
        triton.bind("m", gated, x(), y(), options).unwrap();
        triton.run().unwrap();
        let blocked = asked(&triton, "m", &[7]);
        gate.entered();
        let waiting = asked(&triton, "m", &[8]);
        triton.stop().unwrap();
        let turned_away = answer(waiting).unwrap_err();
        assert_eq!(turned_away, "the server is shutting down");
        // It is still at work, and answers whoever still waits.
        gate.go_on();
        assert_eq!(answer(blocked), Ok(vec![7]));
    }
}

#[test]
fn a_server_whose_callable_never_returns_can_be_dropped() {
    let config = TritonConfig {
        exit_timeout_secs: Some(0),
        ..free_ports()
    };
    let triton = builder(config).build().unwrap();
    let (gate, gated) = Gate::new();
    let bound = triton.bind("m", gated, x(), y(), ModelConfig::default());
    bound.unwrap();
    triton.run().unwrap();
    let address = triton.http_address().unwrap();
    let blocked = asked(&triton, "m", &[7]);
    gate.entered();
    drop(triton);
    assert!(std::net::TcpStream::connect(address).is_err());
    gate.go_on();
    assert_eq!(answer(blocked), Ok(vec![7]));
}

#[test]
fn a_model_that_cannot_go_on_ends_the_server_after_everything_is_answered() {
    let triton = triton();
    let (gate, gated) = Gate::new();
    triton
        .bind("gated", gated, x(), y(), ModelConfig::default())
        .unwrap();
    let broken = batch(|_: Inputs| Err::<Outputs, _>(Failure::unrecoverable("out of memory")));
    triton
        .bind("broken", broken, x(), y(), ModelConfig::default())
        .unwrap();
    triton.run().unwrap();
    let in_flight = asked(&triton, "gated", &[7]);
    gate.entered();
    let told = Err("out of memory".to_owned());
    assert_eq!(ask(&triton, "broken", &[1]), told);
    let engine = triton.engine().unwrap();
    while engine.is_ready() {
        std::thread::yield_now();
    }
    gate.go_on();
    assert_eq!(answer(in_flight), Ok(vec![7]));
    let ended = triton.stop();
    assert!(
        matches!(ended, Err(TritonError::Unrecoverable { .. })),
        "{ended:?}"
    );
    assert_eq!(
        ended.unwrap_err().to_string(),
        "model `broken` said that it cannot go on: out of memory"
    );
}

#[test]
fn one_protocol_is_enough() {
    let check = |config: TritonConfig, expected: [bool; 3]| {
        let triton = builder(config).build().unwrap();
        triton.run().unwrap();
        let addresses = [
            triton.http_address(),
            triton.grpc_address(),
            triton.metrics_address(),
        ];
        assert_eq!(addresses.map(|it| it.is_some()), expected);
    };
    let off = Some(false);
    let no_http = TritonConfig {
        allow_http: off,
        ..free_ports()
    };
    check(no_http, [false, true, true]);
    let only_http = TritonConfig {
        allow_grpc: off,
        allow_metrics: off,
        ..free_ports()
    };
    check(only_http, [true, false, false]);
}

#[test]
fn the_log_can_go_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let config = TritonConfig {
        log_file: Some(file.clone()),
        log_verbose: Some(1),
        ..free_ports()
    };
    let triton = builder(config).build().unwrap();
    bind(&triton, "m");
    triton.run().unwrap();
    assert_eq!(status(&triton, "/v2/health/ready"), 200);
    drop(triton);
    let told = std::fs::read_to_string(file).unwrap();
    assert!(told.contains(" loaded model=m version=1"), "{told}");
    assert!(told.contains(" ready http=127.0.0.1:"), "{told}");
}
