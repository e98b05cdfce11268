//! The answers that KServe's Open Inference Protocol describes, held to what it says of them.

use serde_json::{Value, json};

use crate::models::engine;
use crate::subject::{Reply, Subject, options};

fn tensor(has_data: bool) -> Value {
    let required = if has_data {
        json!(["name", "shape", "datatype", "data"])
    } else {
        json!(["name", "shape", "datatype"])
    };
    json!({"type": "object", "required": required, "properties": {
        "name": {"type": "string"},
        "datatype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "parameters": {"type": "object"},
        "data": {"type": "array", "items": {"type": ["number", "string", "boolean", "array"]}},
    }})
}

fn check(reply: &Reply, status: u16, required: &[&str], properties: &Value) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let schema = json!({"type": "object", "required": required, "properties": properties});
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    if let Err(error) = jsonschema::validate(&schema, &answer) {
        panic!("{error}: {answer}");
    }
}

#[test]
fn answers_are_what_the_open_inference_protocol_says() {
    let subject = Subject::start(engine(), options());
    let (text, texts) = (
        json!({"type": "string"}),
        json!({"type": "array", "items": {"type": "string"}}),
    );
    check(
        &subject.get("/v2"),
        200,
        &["name", "version", "extensions"],
        &json!({"name": text, "version": text, "extensions": texts}),
    );
    let tensors = json!({"type": "array", "items": tensor(false)});
    check(
        &subject.get("/v2/models/addsub/versions/1"),
        200,
        &["name", "platform"],
        &json!({"name": text, "versions": texts, "platform": text, "inputs": tensors, "outputs": tensors}),
    );
    let body = br#"{"id":"42","inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,1.5]}]}"#;
    let outputs = json!({"type": "array", "items": tensor(true)});
    check(
        &subject.post("/v2/models/ident_fp32/versions/1/infer", &[], body),
        200,
        &["model_name", "outputs", "id"],
        &json!({"model_name": text, "model_version": text, "id": {"const": "42"}, "outputs": outputs}),
    );
    let wrong = subject.post("/v2/models/ident_fp32/infer", &[], b"{}");
    check(&wrong, 400, &["error"], &json!({"error": text}));
    let unknown = subject.get("/v2/models/nothing");
    check(&unknown, 404, &["error"], &json!({"error": text}));
    for path in [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/addsub/versions/1/ready",
    ] {
        assert_eq!(subject.get(path).status, 200, "{path}");
    }
}
