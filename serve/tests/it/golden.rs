//! Recorded exchanges with a real Triton server 2.51.0, sent again byte for byte.
//!
//! An answer is exact when status, body and, for successes, the type are those recorded; of the same class
//! when the status is, and both are errors. Anything else must be on the list, with its reason.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use nav_serve::{ServerOptions, SharedMemoryOptions};
use serde::Deserialize;

use crate::models::recorded;
use crate::objects::Recorded;
use crate::subject::{Reply, Subject, options};

#[derive(Deserialize)]
struct Exchange {
    id: String,
    wire: String,
    status: Option<u16>,
    #[serde(default)]
    content_type: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    volatile: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Exact,
    SameClass,
    Different,
}

const CLIENT: &str = "what a client got wrong is its own fault: 400, not 500";

/// What is different on purpose, and why.
const INTENDED: &[(&str, &str)] = &[
    (
        "big_header",
        "a head of 32 KiB is within the limit, which is 64 KiB",
    ),
    ("class_neg", CLIENT),
    ("class_str", CLIENT),
    ("err_data_many", CLIENT),
    ("err_data_scalar", CLIENT),
    ("err_data_string", CLIENT),
    ("err_empty", "no body is no tensor"),
    ("err_gzip_bad", "what cannot be decompressed is no tensor"),
    (
        "err_hlen_text",
        "a length that is no number is refused, not taken for 0",
    ),
    ("err_int_bool", CLIENT),
    ("err_json", CLIENT),
    ("err_json_trailing", CLIENT),
    ("err_no_dtype", CLIENT),
    ("err_no_inputs", CLIENT),
    ("err_no_shape", CLIENT),
    ("err_param_notobj", CLIENT),
    (
        "err_request_line",
        "what is no request is answered with 400 before the connection is closed",
    ),
    (
        "err_uint8_range",
        "a number that does not fit is refused, not wrapped",
    ),
    (
        "gen_dec_err",
        "an error of a model is one of the server on every route: 500, as in infer",
    ),
    ("gen_number", CLIENT),
    (
        "gens_err",
        "an error of a model is one of the server on every route: 500, as in infer",
    ),
    (
        "infer_accept_deflate",
        "another compressor; the content is compared in a test of its own",
    ),
    ("log_type", CLIENT),
    ("repo_index_badready", CLIENT),
    (
        "repo_load_badconfig",
        "a configuration that is no JSON is the client's fault: 400",
    ),
    (
        "repo_load_badparam",
        "a parameter that there is not is the client's fault: 400",
    ),
    ("repo_load_dotdot", "a model that is not there is not found"),
    (
        "repo_unload_badparam",
        "a parameter of the wrong type is refused, not passed over",
    ),
    ("seq_badid", CLIENT),
    ("shm_reg_absent", CLIENT),
    ("shm_reg_empty", CLIENT),
    ("shm_reg_neg", CLIENT),
];

/// How many answers are what was recorded to the byte, at least.
const EXACT: usize = 67;

fn grade(exchange: &Exchange, reply: Option<&Reply>) -> Grade {
    let (Some(status), Some(reply)) = (exchange.status, reply) else {
        let both = exchange.status.is_none() && reply.is_none();
        return if both { Grade::Exact } else { Grade::Different };
    };
    if status != reply.status {
        return Grade::Different;
    }
    let recorded = Base64::decode_vec(&exchange.body).unwrap();
    let is_error = status >= 400;
    let content_type = reply.header("content-type").unwrap_or_default();
    let same_type = is_error || content_type == exchange.content_type;
    let same_body = exchange.volatile || recorded == reply.body;
    match (same_type && same_body, is_error) {
        (true, _) => Grade::Exact,
        (false, true) => Grade::SameClass,
        (false, false) => Grade::Different,
    }
}

#[test]
fn recorded_exchanges_go_as_recorded_but_for_what_is_better_otherwise() {
    let _object = Recorded::create("/golden_shm");
    let options = ServerOptions {
        shared_memory: Some(SharedMemoryOptions::default()),
        ..options()
    };
    let folder = recorded::folder();
    let subject = Subject::start_repository(&recorded::repository(folder.path()), options);
    let file = include_str!("../golden/http.jsonl");
    let mut grades: BTreeMap<String, Grade> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in file.lines() {
        let exchange: Exchange = serde_json::from_str(line).unwrap();
        let reply = subject.send(&Base64::decode_vec(&exchange.wire).unwrap());
        let grade = grade(&exchange, reply.as_ref());
        let is_listed = INTENDED.iter().any(|(id, _)| *id == exchange.id);
        if is_listed != (grade == Grade::Different) {
            let body = reply.map(|reply| String::from_utf8_lossy(&reply.body).into_owned());
            wrong.push(format!("{} is {grade:?}: {body:?}", exchange.id));
        }
        grades.insert(exchange.id, grade);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown = INTENDED.iter().find(|(id, _)| !grades.contains_key(*id));
    assert_eq!(unknown, None, "is listed and was never recorded");
    let exact = grades
        .values()
        .filter(|grade| **grade == Grade::Exact)
        .count();
    assert!(exact >= EXACT, "only {exact} of {} are exact", grades.len());
}
