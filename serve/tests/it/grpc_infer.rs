//! Inference over gRPC: forms of inputs and outputs, parameters, deadlines, compression, what is refused and how.

use nav_serve::{Coding, ServerOptions};
use serde_json::{Value, json};
use std::io::{Read, Write};

use crate::limits::gated;
use crate::models::engine;
use crate::rpc::{Client, framed, path};
use crate::subject::{PATIENCE, Subject, options};

const INVALID: i32 = 3;
const DEADLINE_EXCEEDED: i32 = 4;
const EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;

pub(crate) fn one() -> Value {
    json!({"model_name": "ident_fp32",
        "inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1, 1], "contents": {"fp32_contents": [1]}}]})
}

fn serving() -> (Subject, Client) {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    (subject, client)
}

#[test]
fn every_type_is_the_same_as_numbers_and_as_bytes() {
    let (_subject, client) = serving();
    let check = |name: &str, member: &str, elements: Value, raw: &str| {
        let datatype = if name == "STRING" { "BYTES" } else { name };
        let input = json!({"name": format!("I_{name}"), "datatype": datatype, "shape": [2]});
        let mut typed = json!({"model_name": "alltypes", "inputs": [input]});
        let mut bytes = typed.clone();
        typed["inputs"][0]["contents"] = json!({member: elements});
        bytes["raw_input_contents"] = json!([raw]);
        for asked in [typed, bytes] {
            let told = client.infer(&asked).unwrap();
            assert_eq!(told["raw_output_contents"], json!([raw]), "{name}");
            assert_eq!(told["outputs"][0]["name"], format!("O_{name}"));
            assert_eq!(told["outputs"][0]["datatype"], datatype);
            assert_eq!(told["outputs"][0]["shape"], json!([2]));
        }
    };
    check("BOOL", "bool_contents", json!([true, false]), "AQA=");
    check("INT8", "int_contents", json!([-1, 2]), "/wI=");
    check("INT16", "int_contents", json!([-1, 2]), "//8CAA==");
    check("INT32", "int_contents", json!([-1, 2]), "/////wIAAAA=");
    check(
        "INT64",
        "int64_contents",
        json!([-1, 2]),
        "//////////8CAAAAAAAAAA==",
    );
    check("UINT8", "uint_contents", json!([255, 2]), "/wI=");
    check("UINT16", "uint_contents", json!([65535, 2]), "//8CAA==");
    check(
        "UINT32",
        "uint_contents",
        json!([4_294_967_295_u32, 2]),
        "/////wIAAAA=",
    );
    check(
        "UINT64",
        "uint64_contents",
        json!([u64::MAX, 2]),
        "//////////8CAAAAAAAAAA==",
    );
    check("FP32", "fp32_contents", json!([1.0, -2.0]), "AACAPwAAAMA=");
    check(
        "FP64",
        "fp64_contents",
        json!([1.0, -2.0]),
        "AAAAAAAA8D8AAAAAAAAAwA==",
    );
    check(
        "STRING",
        "bytes_contents",
        json!(["YQ==", ""]),
        "AQAAAGEAAAAA",
    );
    for (model, datatype, shape) in [
        ("ident_fp16", "FP16", json!([1, 2])),
        ("ident_bf16", "BF16", json!([2])),
    ] {
        let asked = json!({"model_name": model, "raw_input_contents": ["ADwAwA=="],
            "inputs": [{"name": "INPUT0", "datatype": datatype, "shape": shape}]});
        let told = client.infer(&asked).unwrap();
        assert_eq!(told["raw_output_contents"], json!(["ADwAwA=="]));
    }
}

#[test]
fn outputs_are_chosen_and_ranked() {
    let (_subject, client) = serving();
    let addsub = json!({"model_name": "addsub", "id": "n", "outputs": [{"name": "OUTPUT1"}],
        "inputs": [
            {"name": "INPUT0", "datatype": "INT32", "shape": [1, 4], "contents": {"int_contents": [1, 2, 3, 4]}},
            {"name": "INPUT1", "datatype": "INT32", "shape": [1, 4], "contents": {"int_contents": [1, 1, 1, 1]}}]});
    let told = client.infer(&addsub).unwrap();
    assert_eq!(told["id"], "n");
    assert_eq!(told["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(
        told["raw_output_contents"],
        json!(["AAAAAAEAAAACAAAAAwAAAA=="])
    );
    let labels = |classes: Value| {
        json!({"model_name": "labels",
            "outputs": [{"name": "OUTPUT0", "parameters": {"classification": classes}}],
            "inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1, 4], "contents": {"fp32_contents": [1, 5, 10, 4]}}]})
    };
    let told = client.infer(&labels(json!({"int64_param": 2}))).unwrap();
    assert_eq!(told["outputs"][0]["datatype"], "BYTES");
    assert_eq!(told["outputs"][0]["shape"], json!([1, 2]));
    let classes = "EAAAADEwLjAwMDAwMDoyOnBsdW0PAAAANS4wMDAwMDA6MTpwZWFy";
    assert_eq!(told["raw_output_contents"], json!([classes]));
    for (classes, text) in [
        (
            json!({"int64_param": 0}),
            "parameter 'classification' must be more than 0",
        ),
        (
            json!({"string_param": "2"}),
            "invalid value type for 'classification' parameter, expected int64_param.",
        ),
    ] {
        assert_eq!(
            client.infer(&labels(classes)),
            Err((INVALID, text.to_owned()))
        );
    }
}

#[test]
fn parameters_that_the_server_heeds_have_their_types() {
    let (_subject, client) = serving();
    let check = |name: &str, value: Value, text: &str| {
        let mut asked = one();
        asked["parameters"] = json!({name: value});
        assert_eq!(client.infer(&asked), Err((INVALID, text.to_owned())));
    };
    let text = json!({"string_param": "x"});
    let kind = "invalid value type for";
    let number = "expected int64_param or uint64_param.";
    check(
        "priority",
        text.clone(),
        &format!("{kind} 'priority' parameter, {number}"),
    );
    check(
        "timeout",
        json!({"bool_param": true}),
        &format!("{kind} 'timeout' parameter, {number}"),
    );
    check(
        "sequence_start",
        text.clone(),
        &format!("{kind} 'sequence_start' parameter, expected bool_param."),
    );
    check(
        "sequence_id",
        json!({"double_param": 1.5}),
        &format!(
            "{kind} 'sequence_id' parameter, expected int64_param, uint64_param or string_param."
        ),
    );
    check(
        "timeout",
        json!({"int64_param": -1}),
        "parameter 'timeout' must not be negative",
    );
    check("x", json!({}), "parameter 'x' has no value");
    check(
        "triton_enable_empty_final_response",
        text.clone(),
        &format!("{kind} 'triton_enable_empty_final_response' parameter, expected bool_param."),
    );
    check(
        "triton_x",
        text,
        "parameter 'triton_x' has a name that is the server's own",
    );
}

#[test]
fn refusals_say_what_is_wrong_under_the_right_code() {
    let (_subject, client) = serving();
    let check = |change: Value, code: i32, text: &str| {
        let mut asked = one();
        for (name, value) in change.as_object().unwrap() {
            asked[name] = value.clone();
        }
        assert_eq!(client.infer(&asked), Err((code, text.to_owned())));
    };
    let unknown = "Request for unknown model: 'nope' is not found";
    check(json!({"model_name": "nope"}), 5, unknown);
    let version = "Request for unknown model: 'ident_fp32' version 7 is not found";
    check(json!({"model_version": "7"}), 5, version);
    let negative = "failed to get model version from specified version string '-1' (details: stol), version should be an integral value > 0";
    check(json!({"model_version": "-1"}), INVALID, negative);
    let input = |shape: Value, contents: Value| json!({"inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": shape, "contents": contents}]});
    let fp32 = json!({"fp32_contents": [1]});
    check(
        input(json!([-1, 1]), fp32.clone()),
        INVALID,
        "invalid shape for input 'INPUT0': it has an extent of -1",
    );
    let other =
        "unexpected explicit tensor data for input tensor 'INPUT0' of type 'FP32' in int_contents";
    check(
        input(json!([1, 1]), json!({"int_contents": [1]})),
        INVALID,
        other,
    );
    let decoupled = json!({"model_name": "repeat",
        "inputs": [{"name": "INPUT0", "datatype": "INT32", "shape": [1], "contents": {"int_contents": [1]}}]});
    assert_eq!(client.infer(&decoupled).unwrap_err().0, UNIMPLEMENTED);
}

#[test]
fn bytes_that_are_no_message_are_the_clients_fault() {
    let (_subject, client) = serving();
    let ask = |raw: &[u8]| {
        let mut talk = client.open(&path("ModelInfer"), &[]);
        talk.send_raw(raw.to_vec().into());
        let outcome = talk.end();
        (outcome.code, outcome.text)
    };
    let check = |raw: &[u8], text: &str| assert_eq!(ask(raw), (INVALID, text.to_owned()));
    check(b"", "the request has no message");
    check(b"\x00\x00", "the last message ends too early");
    check(b"\x00\x00\x00\x00\x04ab", "the last message ends too early");
    check(
        b"\x02\x00\x00\x00\x00",
        "a message has the flag 2, which means nothing",
    );
    let packed = "a message is compressed, and no grpc-encoding says how";
    check(b"\x01\x00\x00\x00\x00", packed);
    let (code, text) = ask(&framed(0, b"\x0a\x05ab"));
    assert_eq!(code, INVALID);
    assert!(text.starts_with("Unable to parse request: "), "{text}");
    let deep = [0x2a, 0x02, 0x0a, 0x7f];
    assert_eq!(ask(&framed(0, &deep)).0, INVALID);
    let outcome = client.send(&path("Nope"), &[], [vec![]]);
    assert_eq!((outcome.code, outcome.messages.len()), (UNIMPLEMENTED, 0));
    let outcome = client.send(&path("ModelInfer"), &[("grpc-timeout", "soon")], [vec![]]);
    assert_eq!(outcome.code, INVALID);
}

#[test]
fn a_request_whose_deadline_passes_while_it_waits_never_runs() {
    let (engine, entries, go_on) = gated();
    let watched = engine.clone();
    let subject = Subject::start(engine, options());
    let client = Client::connect(subject.grpc);
    let bytes = client.encode("inference.ModelInferRequest", &one());
    let mut running = client.open(&path("ModelInfer"), &[]);
    running.send_bytes(&bytes);
    entries.recv_timeout(PATIENCE).unwrap();
    let late = Err((DEADLINE_EXCEEDED, "Deadline Exceeded".to_owned()));
    let metadata = [("grpc-timeout", "20m")];
    assert_eq!(client.ask_with("ModelInfer", &metadata, &one()), late);
    let mut talk = client.open(&path("ModelStreamInfer"), &metadata);
    talk.send(&one());
    assert_eq!(talk.rest().code, DEADLINE_EXCEEDED);
    let model = watched.model("ident_fp32", None).unwrap();
    while model.waiting() > 0 {
        std::thread::yield_now();
    }
    go_on.send(()).unwrap();
    assert_eq!(running.end().code, 0);
    assert!(entries.try_recv().is_err(), "it ran");
}

#[test]
fn a_client_that_leaves_frees_its_place_and_a_full_queue_refuses_at_once() {
    let (engine, entries, go_on) = gated();
    let watched = engine.clone();
    let subject = Subject::start(engine, options());
    let client = Client::connect(subject.grpc);
    let bytes = client.encode("inference.ModelInferRequest", &one());
    let ask = || {
        let mut talk = client.open(&path("ModelInfer"), &[]);
        talk.send_bytes(&bytes);
        talk
    };
    let model = watched.model("ident_fp32", None).unwrap();
    let until = |waiting: usize| {
        let began = std::time::Instant::now();
        while model.waiting() != waiting && began.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        assert_eq!(model.waiting(), waiting);
    };
    let running = ask();
    entries.recv_timeout(PATIENCE).unwrap();
    let waiting = ask();
    until(1);
    let refused = ask().end();
    assert_eq!(refused.code, EXHAUSTED);
    assert!(
        refused.text.contains("Exceeds maximum queue size"),
        "{}",
        refused.text
    );
    assert!(refused.head.contains_key("grpc-retry-pushback-ms"));
    drop(waiting);
    until(0);
    go_on.send(()).unwrap();
    assert_eq!(running.end().code, 0);
}

#[test]
fn messages_are_compressed_both_ways_as_was_agreed() {
    let zipped = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let options = ServerOptions {
        grpc_compression: Some(Coding::Gzip),
        ..options()
    };
    let subject = Subject::start(engine(), options);
    let client = Client::connect(subject.grpc);
    let asked = client.encode("inference.ModelInferRequest", &one());
    let plain = client.send(&path("ModelInfer"), &[], [asked.clone()]);
    assert!(!plain.head.contains_key("grpc-encoding"));
    let accept = ("grpc-accept-encoding", "identity, deflate, gzip");
    let mut talk = client.open(&path("ModelInfer"), &[accept, ("grpc-encoding", "gzip")]);
    talk.send_raw(framed(1, &zipped(&asked)));
    let packed = talk.end();
    assert_eq!(
        (packed.code, packed.head["grpc-encoding"].to_str().unwrap()),
        (0, "gzip")
    );
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&packed.messages[0][..]);
    decoder.read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.messages[0]);
    let mut talk = client.open(&path("ModelInfer"), &[("grpc-encoding", "gzip")]);
    talk.send_raw(framed(1, b"no gzip"));
    let broken = talk.end();
    let text = "the message is no whole gzip stream";
    assert_eq!((broken.code, broken.text.as_str()), (INVALID, text));
    let unknown = client.send(&path("ModelInfer"), &[("grpc-encoding", "br")], [asked]);
    assert_eq!(unknown.code, UNIMPLEMENTED);
}

#[test]
fn pieces_of_any_size_are_the_same_request() {
    let (_subject, client) = serving();
    let bytes = client.encode("inference.ModelInferRequest", &one());
    let whole = client.send(&path("ModelInfer"), &[], [bytes.clone()]);
    assert_eq!(whole.code, 0);
    let sent = framed(0, &bytes);
    for size in [1, 4, 5, 6, 23, sent.len() - 1] {
        let mut talk = client.open(&path("ModelInfer"), &[]);
        for start in (0..sent.len()).step_by(size) {
            talk.send_raw(sent.slice(start..sent.len().min(start + size)));
        }
        assert_eq!(talk.end().messages, whole.messages, "{size}");
    }
    let twice = [sent.clone(), sent].concat();
    let mut talk = client.open(&path("ModelStreamInfer"), &[]);
    talk.send_raw(twice.into());
    assert_eq!(talk.end().messages.len(), 2);
}

#[test]
fn what_is_larger_than_any_window_comes_back_whole() {
    let (_subject, client) = serving();
    let numbers: Vec<u8> = (0..1_200_000_u32).flat_map(u32::to_le_bytes).collect();
    let raw = <base64ct::Base64 as base64ct::Encoding>::encode_string(&numbers);
    let asked = json!({"model_name": "ident_fp32", "raw_input_contents": [raw],
        "inputs": [{"name": "INPUT0", "datatype": "FP32", "shape": [1, 1_200_000]}]});
    let told = client.infer(&asked).unwrap();
    assert!(told["raw_output_contents"] == asked["raw_input_contents"]);
}
