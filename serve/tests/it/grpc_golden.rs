//! Recorded exchanges over gRPC with a real Triton server 2.51.0, sent again byte for byte.
//!
//! An answer is exact when status, text and messages are those recorded; of the same class when the status is, and
//! both are errors. Anything else must be on the list, with its reason.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use nav_serve::{ServerOptions, SharedMemoryOptions};
use serde::Deserialize;
use serde_json::json;

use crate::models::recorded;
use crate::objects::Recorded;
use crate::rpc::{Client, Outcome};
use crate::subject::{Subject, options};

#[derive(Deserialize)]
struct Exchange {
    id: String,
    path: String,
    requests: Vec<String>,
    status: i32,
    text: String,
    responses: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Exact,
    SameClass,
    Different,
}

const CLIENT: &str = "what a client got wrong is its own fault: INVALID_ARGUMENT, not INTERNAL";

/// What is different on purpose, and why.
const INTENDED: &[(&str, &str)] = &[
    (
        "meta",
        "it is another server, of another version, with other extensions",
    ),
    (
        "config",
        "no file holds the model; whether it is decoupled and its responses are kept is told",
    ),
    (
        "health_check_named",
        "the health of a service that is not there is not known",
    ),
    ("garbage_infer", CLIENT),
    ("shm_reg_absent", CLIENT),
    ("shm_reg_noname", CLIENT),
];

/// How many answers are what was recorded, at least.
const EXACT: usize = 40;

/// Whether these are the same messages, whatever the order in which maps are written.
fn are_same(client: &Client, path: &str, one: &[Vec<u8>], other: &[bytes::Bytes]) -> bool {
    let Some(method) = path.strip_prefix("/inference.GRPCInferenceService/") else {
        return one == other;
    };
    let kind = format!("inference.{method}Response");
    let mut pairs = one.iter().zip(other);
    one.len() == other.len()
        && pairs.all(|(one, other)| client.decode(&kind, one) == client.decode(&kind, other))
}

fn grade(client: &Client, exchange: &Exchange, outcome: &Outcome) -> Grade {
    if exchange.status != outcome.code {
        return Grade::Different;
    }
    let recorded = exchange.responses.iter();
    let recorded: Vec<Vec<u8>> = recorded.map(|it| Base64::decode_vec(it).unwrap()).collect();
    let is_same = are_same(client, &exchange.path, &recorded, &outcome.messages);
    match (is_same && exchange.text == outcome.text, outcome.code) {
        (true, _) => Grade::Exact,
        (false, 0) => Grade::Different,
        (false, _) => Grade::SameClass,
    }
}

/// When the client of this one waits no longer, which it did not send as a message.
fn metadata(id: &str) -> &'static [(&'static str, &'static str)] {
    match id {
        "err_deadline" => &[("grpc-timeout", "100m")],
        _ => &[],
    }
}

#[test]
fn recorded_calls_go_as_recorded_but_for_what_is_better_otherwise() {
    let _object = Recorded::create("/golden_shm_g");
    let options = ServerOptions {
        shared_memory: Some(SharedMemoryOptions::default()),
        ..options()
    };
    let folder = recorded::folder();
    let subject = Subject::start_repository(&recorded::repository(folder.path()), options);
    let client = Client::connect(subject.grpc);
    // The sequence that one of them ends.
    let begin = json!({"model_name": "seqsum",
        "parameters": {"sequence_id": {"int64_param": 77}, "sequence_start": {"bool_param": true}},
        "inputs": [{"name": "INPUT0", "datatype": "INT32", "shape": [1, 1], "contents": {"int_contents": [1]}}]});
    client.infer(&begin).unwrap();
    let mut grades: BTreeMap<String, Grade> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in include_str!("../golden/grpc.jsonl").lines() {
        let exchange: Exchange = serde_json::from_str(line).unwrap();
        let messages = exchange.requests.iter();
        let messages = messages.map(|it| Base64::decode_vec(it).unwrap());
        let outcome = client.send(&exchange.path, metadata(&exchange.id), messages);
        let grade = grade(&client, &exchange, &outcome);
        let is_listed = INTENDED.iter().any(|(id, _)| *id == exchange.id);
        if is_listed != (grade == Grade::Different) {
            wrong.push(format!("{} is {grade:?}: {outcome:?}", exchange.id));
        }
        grades.insert(exchange.id, grade);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown = INTENDED.iter().find(|(id, _)| !grades.contains_key(*id));
    assert_eq!(unknown, None, "is listed and was never recorded");
    let exact = grades.values().filter(|it| **it == Grade::Exact).count();
    assert!(exact >= EXACT, "only {exact} are exact: {grades:?}");
}
