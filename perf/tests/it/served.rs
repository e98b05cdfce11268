//! A server of ours, over every protocol and without one.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nav_package_format::{DType, Dim};
use nav_perf::{
    Call, Ended, Failure, InProcess, Level, Load, Options, Parameter, PerfError, Protocol, Target,
    describe, measure, measure_in_process, statistics,
};

use crate::servers::{brief, call, identity, measured};

const ALL: Load = Load::Closed { concurrency: 3 };

#[test]
fn every_protocol_is_answered() {
    let served = identity();
    for protocol in Protocol::ALL {
        let target = served.target(*protocol);
        let mut calls = vec![call(&[1.0, 2.0]), call(&[3.0])];
        calls[0].parameters = vec![
            ("text".to_owned(), Parameter::Text("a\"b".to_owned())),
            ("number".to_owned(), Parameter::Int(-3)),
            ("truth".to_owned(), Parameter::Bool(true)),
        ];
        let level = measured(&target, &calls, ALL, &brief());
        let name = protocol.name();
        assert!(level.failures.is_empty(), "{name}: {:?}", level.failures);
        assert!(level.latencies.count() > 0, "{name}");
        assert_eq!(level.abandoned, 0, "{name}");
        assert_eq!(level.ended, Ended::TimeOver, "{name}");
    }
}

#[test]
fn nothing_that_was_sent_is_lost() {
    let served = identity();
    for protocol in Protocol::ALL {
        let before = served.engine.model("identity", None).unwrap().statistics();
        let target = served.target(*protocol);
        let level = measured(&target, &[call(&[1.0])], ALL, &brief());
        let after = served.engine.model("identity", None).unwrap().statistics();
        let answered = after.success.count - before.success.count;
        assert_eq!(answered, level.sent, "{}", protocol.name());
    }
}

#[test]
fn tensors_larger_than_every_window_travel() {
    let served = identity();
    let numbers = vec![0.5; 1 << 18];
    for protocol in Protocol::ALL {
        let target = served.target(*protocol);
        let load = Load::Closed { concurrency: 2 };
        let level = measured(&target, &[call(&numbers)], load, &brief());
        let name = protocol.name();
        assert!(level.failures.is_empty(), "{name}: {:?}", level.failures);
        assert!(level.latencies.count() > 0, "{name}");
    }
}

/// Measures again while nothing was answered in the time that is measured, as may be where the machine is busy. What is answered
/// later is no throughput.
fn until_answered(mut measured: impl FnMut() -> Level) -> Level {
    let mut levels = (0..100).map(|_| measured());
    levels.find(|level| level.throughput > 0.0).unwrap()
}

#[test]
fn a_request_with_several_responses_ends_with_the_last() {
    let served = identity();
    let target = served.target(Protocol::GrpcStream);
    assert!(describe(&target, "talks", None).unwrap().decoupled);
    let talks = |numbers: &[f32]| Call {
        model: "talks".to_owned(),
        ..call(numbers)
    };
    let options = Options {
        decoupled: true,
        ..brief()
    };
    let three = [talks(&[1.0, 2.0, 3.0])];
    let level = until_answered(|| measured(&target, &three, ALL, &options));
    assert!(level.failures.is_empty(), "{:?}", level.failures);
    assert!((level.responses / level.throughput - 3.0).abs() < 1e-9);
    assert!(level.first.count() > 0);
    assert!(level.first.quantile(0.5) <= level.latencies.quantile(0.5));
    // Requests that fail half-way do not leave what they were told to those after them.
    let calls = [talks(&[-1.0, 2.0]), talks(&[1.0])];
    let level = until_answered(|| measured(&target, &calls, ALL, &options));
    let [(Failure::Streamed, tally)] = &level.failures[..] else {
        panic!("{:?}", level.failures);
    };
    assert!(tally.count > 0 && level.latencies.count() > 0);
    assert!((level.responses / level.throughput - 1.0).abs() < 1e-9);
}

#[test]
fn a_server_tells_of_its_model_in_every_protocol() {
    let served = identity();
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let target = served.target(protocol);
        let found = describe(&target, "identity", None).unwrap();
        let input = &found.signature.inputs[0];
        assert_eq!((&*input.name, input.dtype), ("x", DType::Fp32));
        let open = vec![Dim::Unknown, Dim::Unknown];
        assert_eq!(input.dims, Some(open));
        assert_eq!(found.signature.outputs[0].name, "y");
        assert_eq!((found.max_batch, found.decoupled), (Some(8), false));
        let error = describe(&target, "nobody", None).unwrap_err();
        let PerfError::Describe { failed, .. } = error else {
            panic!("{error}");
        };
        let unknown = [Failure::Status(404), Failure::Code(5)];
        assert!(unknown.contains(&failed.kind), "{failed}");
    }
}

#[test]
fn what_the_server_did_between_is_told() {
    let served = identity();
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let target = served.target(protocol);
        let asked = || statistics(&target, "identity", None).unwrap();
        let mut before = asked();
        let options = Options {
            ask_server: true,
            ..brief()
        };
        let level = until_answered(|| {
            before = asked();
            measured(&target, &[call(&[1.0])], ALL, &options)
        });
        let between = level.server.unwrap();
        let all = asked().since(&before);
        assert_eq!(all.succeeded, level.sent, "{}", protocol.name());
        assert!(between.succeeded > 0 && between.succeeded <= all.succeeded);
        assert!(between.compute_infer > Duration::ZERO);
        assert!(between.each(between.whole) <= level.latencies.max());
    }
}

#[test]
fn failures_are_told_in_the_words_of_their_protocol() {
    let served = identity();
    let check = |protocol: Protocol, expected: Failure| {
        let target = served.target(protocol);
        let level = measured(&target, &[call(&[-1.0])], ALL, &brief());
        let [(kind, tally)] = &level.failures[..] else {
            panic!("{:?}", level.failures);
        };
        assert_eq!(*kind, expected);
        assert!(tally.example.why.contains("minus one"), "{}", tally.example);
        assert_eq!(tally.count, level.sent);
        assert_eq!(level.latencies.count(), 0);
    };
    check(Protocol::Http, Failure::Status(500));
    check(Protocol::HttpJson, Failure::Status(500));
    check(Protocol::Grpc, Failure::Code(13));
    check(Protocol::GrpcStream, Failure::Streamed);
}

#[test]
fn outputs_that_are_missing_are_failures() {
    let served = identity();
    let mut wants_more = call(&[1.0]);
    wants_more.expected.push("z".to_owned());
    for protocol in Protocol::ALL {
        let target = served.target(*protocol);
        let level = measured(&target, std::slice::from_ref(&wants_more), ALL, &brief());
        let [(Failure::Broken, tally)] = &level.failures[..] else {
            panic!("{}: {:?}", protocol.name(), level.failures);
        };
        assert!(tally.example.why.contains("`z`"), "{}", tally.example);
    }
}

#[test]
fn a_model_in_this_process_is_asked_without_a_socket() {
    let served = identity();
    let model = InProcess {
        engine: served.engine.clone(),
        model: "identity".to_owned(),
    };
    let calls = [call(&[1.0, 2.0])];
    let never = AtomicBool::new(false);
    let level =
        until_answered(|| measure_in_process(&model, &calls, ALL, &brief(), &never).unwrap());
    assert!(level.failures.is_empty(), "{:?}", level.failures);
    assert!(level.latencies.count() > 0);
    assert!(level.server.unwrap().succeeded > 0);
    let failing = [call(&[-1.0])];
    let level = measure_in_process(&model, &failing, ALL, &brief(), &never).unwrap();
    assert_eq!(level.failures[0].0, Failure::Engine("internal error"));
}

#[test]
fn whoever_ends_it_is_told_what_was_measured() {
    let served = identity();
    let target = served.target(Protocol::Http);
    let options = Options {
        time: Duration::from_hours(1),
        ..brief()
    };
    let level = measure(
        &target,
        &[call(&[1.0])],
        ALL,
        &options,
        &AtomicBool::new(true),
    )
    .unwrap();
    assert_eq!(level.ended, Ended::Interrupted);
}

#[test]
fn nothing_to_send_is_no_measurement() {
    let served = identity();
    let target: Target = served.target(Protocol::Http);
    let found = measure(&target, &[], ALL, &brief(), &AtomicBool::new(false));
    assert!(matches!(found, Err(PerfError::NothingToSend)));
}
