//! Streams of requests: answers in any number, in which order, errors among them, the end of either side.

use nav_serve::Ended;
use serde_json::{Value, json};

use crate::grpc_infer::one;
use crate::limits::gated;
use crate::models::engine;
use crate::rpc::{Client, Talk, path};
use crate::subject::{PATIENCE, Subject, options};

const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

fn open<'client>(client: &'client Client, metadata: &[(&str, &str)]) -> Talk<'client> {
    client.open(&path("ModelStreamInfer"), metadata)
}

fn words(id: &str, text: &str) -> Value {
    let bytes = <base64ct::Base64 as base64ct::Encoding>::encode_string(text.as_bytes());
    json!({"model_name": "textstream", "id": id,
        "inputs": [{"name": "text_input", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [bytes]}}]})
}

fn with_final(mut asked: Value) -> Value {
    asked["parameters"] = json!({"triton_enable_empty_final_response": {"bool_param": true}});
    asked
}

fn is_final(answer: &Value) -> bool {
    let parameters = &answer["infer_response"]["parameters"];
    parameters["triton_final_response"]["bool_param"]
        .as_bool()
        .unwrap()
}

#[test]
fn a_decoupled_model_gives_any_number_of_answers_and_says_when_it_is_over_if_asked() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let mut talk = open(&client, &[]);
    for count in [3_u8, 0, 1] {
        let asked = json!({"model_name": "repeat", "id": format!("{count}"),
            "inputs": [{"name": "INPUT0", "datatype": "INT32", "shape": [1], "contents": {"int_contents": [count]}}]});
        talk.send(&with_final(asked));
        for number in 0..count {
            let answer = talk.answer().unwrap();
            let response = &answer["infer_response"];
            assert!(!is_final(&answer));
            assert_eq!(response["id"], format!("{count}"));
            let raw = [number, 0, 0, 0];
            let raw = <base64ct::Base64 as base64ct::Encoding>::encode_string(&raw);
            assert_eq!(response["raw_output_contents"], json!([raw]));
        }
        let last = talk.answer().unwrap();
        let expected = json!({"model_name": "repeat", "id": format!("{count}"),
            "parameters": {"triton_final_response": {"bool_param": true}}});
        assert_eq!(last["infer_response"], expected);
    }
    let rest = talk.end();
    assert_eq!((rest.code, rest.messages.len()), (0, 0));
}

#[test]
fn errors_are_answers_unless_the_client_wants_them_to_end_the_stream() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let unknown = json!({"model_name": "nope", "id": "u"});
    let mut talk = open(&client, &[]);
    talk.send(&unknown);
    let answer = talk.answer().unwrap();
    assert_eq!(
        answer["error_message"],
        "Request for unknown model: 'nope' is not found"
    );
    assert_eq!(answer["infer_response"], json!({"id": "u"}));
    talk.send(&with_final(words("w", "a ERR b")));
    let told: Vec<Value> = (0..4).map(|_| talk.answer().unwrap()).collect();
    assert_eq!(told[1]["error_message"], "stream error");
    let finals: Vec<bool> = told.iter().map(is_final).collect();
    assert_eq!(finals, [false, false, false, true]);
    let mut fails = one();
    fails["model_name"] = json!("fails");
    talk.send(&fails);
    let answer = talk.answer().unwrap();
    assert_eq!(answer["error_message"], "model says no");
    assert!(is_final(&answer));
    assert_eq!(talk.end().code, 0);
    for asked in [words("w", "a ERR b"), fails] {
        let mut talk = open(&client, &[("triton_grpc_error", "true")]);
        talk.send(&unknown);
        assert!(talk.answer().unwrap()["error_message"].is_string());
        talk.send(&asked);
        let outcome = talk.rest();
        assert_eq!(outcome.code, INTERNAL);
    }
}

#[test]
fn answers_of_models_with_one_come_in_the_order_of_the_requests() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let mut talk = open(&client, &[]);
    let count = 1000;
    for number in 0..count {
        let mut asked = one();
        asked["id"] = json!(format!("{number}"));
        asked["model_name"] = json!(if number % 2 == 0 {
            "ident_fp32"
        } else {
            "labels"
        });
        if number % 2 == 1 {
            asked["inputs"][0]["shape"] = json!([1, 4]);
            asked["inputs"][0]["contents"] = json!({"fp32_contents": [1, 2, 3, 4]});
        }
        talk.send(&asked);
    }
    for number in 0..count {
        let answer = talk.answer().unwrap();
        assert_eq!(answer["infer_response"]["id"], format!("{number}"));
        assert!(is_final(&answer));
    }
    assert_eq!(talk.end().code, 0);
}

#[test]
fn a_client_that_leaves_takes_its_requests_back() {
    let (engine, entries, go_on) = gated();
    let watched = engine.clone();
    let subject = Subject::start(engine, options());
    let client = Client::connect(subject.grpc);
    let model = watched.model("ident_fp32", None).unwrap();
    let until = |waiting: usize| {
        let began = std::time::Instant::now();
        while model.waiting() != waiting && began.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        assert_eq!(model.waiting(), waiting);
    };
    let mut talk = open(&client, &[]);
    talk.send(&one());
    entries.recv_timeout(PATIENCE).unwrap();
    talk.send(&one());
    until(1);
    drop(talk);
    until(0);
    assert!(entries.try_recv().is_err(), "it ran");
    drop(go_on);
}

#[test]
fn a_stream_ends_with_its_server() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let mut talk = open(&client, &[]);
    talk.send(&one());
    assert!(talk.answer().is_some());
    assert_eq!(subject.end(), Ended::Drained);
    let outcome = talk.rest();
    assert_eq!(outcome.code, UNAVAILABLE);
    assert!(outcome.text.contains("shutting down"), "{}", outcome.text);
}
