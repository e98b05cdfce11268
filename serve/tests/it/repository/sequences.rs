//! Models of a repository that are told of their sequences, and of whose sequences something is kept.

use nav_serve::Control;
use serde_json::{Value, json};

use super::place::{Place, change, error, serve};
use crate::subject::Subject;

/// Gives back what it is sent, what is kept, and what it is told: in this order, since inputs that tell come last.
const TOLD: &str = "backend: 'identity' max_batch_size: 4
    input { name: 'x' data_type: TYPE_FP32 dims: 1 }
    output [
        { name: 'y' data_type: TYPE_FP32 dims: 1 },
        { name: 'kept' data_type: TYPE_INT16 dims: 2 },
        { name: 'begins' data_type: TYPE_INT32 dims: 1 },
        { name: 'ends' data_type: TYPE_BOOL dims: 1 },
        { name: 'is_ready' data_type: TYPE_FP32 dims: 1 },
        { name: 'sequence' data_type: TYPE_STRING dims: 1 }
    ]
    sequence_batching {
        control_input [
            { name: 'START' control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 3, 4 ] } },
            { name: 'END' control { kind: CONTROL_SEQUENCE_END bool_false_true: [ false, true ] } },
            { name: 'READY' control { kind: CONTROL_SEQUENCE_READY fp32_false_true: [ 0, 0.5 ] } },
            { name: 'CORRID' control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } }
        ]
        state {
            input_name: 'keeps' output_name: 'kept' data_type: TYPE_INT16 dims: 2
            initial_state { data_type: TYPE_INT16 dims: 2 data_file: 'begin' name: 'begin' }
        }
    }
    model_warmup { name: 'one' batch_size: 2 inputs { key: 'x' value { data_type: TYPE_FP32 dims: 1 zero_data: true } } }
    model_warmup { name: 'told' batch_size: 1
        inputs { key: 'x' value { data_type: TYPE_FP32 dims: 1 zero_data: true } }
        inputs { key: 'START' value { data_type: TYPE_INT32 dims: 1 zero_data: true } }
    }";

fn subject() -> Subject {
    let place = Place::new();
    place.write("told/config.pbtxt", TOLD);
    place.write("told/1/.keep", "");
    place.write("told/initial_state/begin", "\u{1}\0\u{2}\0");
    serve(&place.repository(Control::None))
}

/// The elements of each output, or why there are none.
fn ask(subject: &Subject, parameters: &Value, rows: &[f32]) -> Result<Vec<Value>, String> {
    let x = json!({"name": "x", "shape": [rows.len(), 1], "datatype": "FP32", "data": rows});
    let body = json!({"inputs": [x], "parameters": parameters}).to_string();
    let reply = subject.post("/v2/models/told/infer", &[], body.as_bytes());
    if reply.status != 200 {
        return Err(error(&reply));
    }
    let json: Value = serde_json::from_slice(&reply.body).unwrap();
    let outputs = json["outputs"].as_array().unwrap();
    Ok(outputs
        .iter()
        .map(|output| output["data"].clone())
        .collect())
}

#[test]
fn a_model_is_told_which_part_of_its_sequence_a_request_is() {
    let subject = subject();
    let check = |parameters: Value, rows: &[f32], expected: Value| {
        let found = ask(&subject, &parameters, rows).unwrap();
        assert_eq!(Value::from(found), expected, "{parameters}");
    };
    check(
        json!({"sequence_id": 42, "sequence_start": true}),
        &[7.0],
        json!([[7.0], [1, 2], [4], [false], [0.5], ["42"]]),
    );
    check(
        json!({"sequence_id": 42}),
        &[8.0],
        json!([[8.0], [1, 2], [3], [false], [0.5], ["42"]]),
    );
    check(
        json!({"sequence_id": "mine", "sequence_start": true, "sequence_end": true}),
        &[1.0, 2.0],
        json!([
            [1.0, 2.0],
            [1, 2, 1, 2],
            [4, 4],
            [true, true],
            [0.5, 0.5],
            ["mine", "mine"]
        ]),
    );
    let refused = ask(&subject, &json!({"sequence_id": 42}), &[1.0, 2.0]).unwrap_err();
    let expected = "sequence 42 began with 1 rows, and the request has 2";
    assert!(refused.ends_with(expected), "{refused}");
    let refused = ask(&subject, &json!({}), &[1.0]).unwrap_err();
    assert!(refused.contains("belongs to no sequence"), "{refused}");
}

#[test]
fn clients_are_told_of_what_they_send_and_the_configuration_as_it_is() {
    let subject = subject();
    let told = |path: &str| -> Value {
        let reply = subject.get(&format!("/v2/models/told{path}"));
        serde_json::from_slice(&reply.body).unwrap()
    };
    let names = |tensors: &Value| {
        let tensors = tensors.as_array().unwrap().iter();
        let names = tensors.map(|tensor| tensor["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let config = told("/config");
    for (inputs, outputs) in [
        (&told("")["inputs"], &told("")["outputs"]),
        (&config["input"], &config["output"]),
    ] {
        assert_eq!(names(inputs), "x");
        assert_eq!(names(outputs), "y kept begins ends is_ready sequence");
    }
    let sequence = &config["sequence_batching"];
    let control = &sequence["control_input"][0];
    assert_eq!(control["name"], "START");
    assert_eq!(control["control"][0]["kind"], "CONTROL_SEQUENCE_START");
    assert_eq!(control["control"][0]["int32_false_true"], json!([3, 4]));
    assert_eq!(
        sequence["control_input"][3]["control"][0]["data_type"],
        "TYPE_STRING"
    );
    let state = &sequence["state"][0];
    assert_eq!(state["output_name"], "kept");
    assert_eq!(state["initial_state"][0]["data_file"], "begin");
}

#[test]
fn what_cannot_be_filled_in_is_why_a_model_is_not_loaded() {
    let place = Place::new();
    place.write("m/1/.keep", "");
    let check = |from: &str, to: &str, expected: &str| {
        place.write("m/config.pbtxt", &TOLD.replace(from, to));
        let subject = place.explicit();
        let (status, text) = change(&subject, "load", "m", "");
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(expected), "{text}");
    };
    check(
        "data_file: 'begin'",
        "data_file: 'nothing'",
        "sequence_batching.state[0].initial_state[0].data_file: `nothing` cannot be read",
    );
    check(
        "name: 'END'",
        "name: 'START'",
        "sequence_batching.control_input[1].name: `START` is there twice",
    );
    check(
        "[ 3, 4 ]",
        "3",
        "sequence_batching.control_input[0].control[0].int32_false_true: it has 1 values",
    );
    check(
        "input { name: 'x'",
        "input { name: 'keeps' data_type: TYPE_INT16 dims: 2 } input { name: 'x'",
        "sequence_batching.state[0].input_name: `keeps` is there twice",
    );
}
