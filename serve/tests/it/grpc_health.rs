//! Health, reflection, and what is told of models, over gRPC.

use nav_engine::{ModelOptions, ModelSpec};
use nav_package_format::DType;
use nav_serve::Ended;
use prost::Message;
use serde_json::json;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::models::{each, echo, engine, one};
use crate::rpc::{Client, Talk};
use crate::subject::{Subject, options};

const NOT_FOUND: i32 = 5;

fn asked(service: &str) -> Vec<u8> {
    let service = service.to_owned();
    HealthCheckRequest { service }.encode_to_vec()
}

fn watch<'client>(client: &'client Client, service: &str) -> Talk<'client> {
    let mut talk = client.open("/grpc.health.v1.Health/Watch", &[]);
    talk.send_bytes(&asked(service));
    talk
}

fn next(talk: &mut Talk<'_>) -> ServingStatus {
    let message = HealthCheckResponse::decode(talk.next().unwrap()).unwrap();
    message.status()
}

fn later() -> ModelSpec {
    each(one(DType::Fp32, &[1]), ModelOptions::default(), echo)
}

#[test]
fn health_is_that_of_the_server_or_of_a_model() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    for service in ["", "inference.GRPCInferenceService", "addsub"] {
        let outcome = client.send("/grpc.health.v1.Health/Check", &[], [asked(service)]);
        let message = HealthCheckResponse::decode(outcome.messages[0].clone()).unwrap();
        assert_eq!(message.status(), ServingStatus::Serving, "{service}");
    }
    let outcome = client.send("/grpc.health.v1.Health/Check", &[], [asked("nope")]);
    assert_eq!(outcome.code, NOT_FOUND);
}

#[test]
fn whoever_watches_is_told_what_changes() {
    let engine = engine();
    let subject = Subject::start(engine.clone(), options());
    let client = Client::connect(subject.grpc);
    let mut all = watch(&client, "");
    let mut of_model = watch(&client, "later");
    assert_eq!(next(&mut all), ServingStatus::Serving);
    assert_eq!(next(&mut of_model), ServingStatus::ServiceUnknown);
    engine.load("later", 1, later()).unwrap();
    assert_eq!(next(&mut of_model), ServingStatus::Serving);
    engine.unload("later", None);
    let gone = next(&mut of_model);
    assert!(gone != ServingStatus::Serving, "{gone:?}");
    assert_eq!(subject.end(), Ended::Drained);
    assert_eq!(next(&mut all), ServingStatus::NotServing);
    assert!(all.next().is_none());
}

#[test]
fn services_and_messages_are_described_to_those_who_know_no_schema() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let ask = |version: &str, message_request: MessageRequest| {
        let asked = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message_request),
        };
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let outcome = client.send(&path, &[], [asked.encode_to_vec()]);
        assert_eq!(outcome.code, 0);
        // Both versions have the same messages.
        let answer = ServerReflectionResponse::decode(outcome.messages[0].clone()).unwrap();
        answer.message_response.unwrap()
    };
    for version in ["v1", "v1alpha"] {
        let listed = ask(version, MessageRequest::ListServices(String::new()));
        let MessageResponse::ListServicesResponse(listed) = listed else {
            panic!("no list");
        };
        let names: Vec<&str> = listed.service.iter().map(|it| it.name.as_str()).collect();
        for name in ["inference.GRPCInferenceService", "grpc.health.v1.Health"] {
            assert!(names.contains(&name), "{names:?}");
        }
        let symbol = "inference.ModelInferRequest".to_owned();
        let found = ask(version, MessageRequest::FileContainingSymbol(symbol));
        assert!(matches!(found, MessageResponse::FileDescriptorResponse(_)));
    }
}

#[test]
fn models_are_described_as_over_http() {
    let subject = Subject::start(engine(), options());
    let client = Client::connect(subject.grpc);
    let check = |method: &str, message: serde_json::Value, expected: &str| {
        let told = client.ask(method, &message).unwrap().to_string();
        assert!(told.contains(expected), "{told}");
    };
    check("ServerReady", json!({}), r#""ready":true"#);
    check(
        "ModelReady",
        json!({"name": "addsub", "version": "1"}),
        r#""ready":true"#,
    );
    check(
        "ModelStatistics",
        json!({"name": "addsub"}),
        r#""name":"addsub""#,
    );
    check("ModelStatistics", json!({}), r#""name":"versions""#);
    check(
        "ModelConfig",
        json!({"name": "addsub"}),
        r#""max_batch_size":4"#,
    );
    check("RepositoryIndex", json!({}), r#""name":"ensemble""#);
    let unknown = client.ask("ModelStatistics", &json!({"name": "nope"}));
    assert_eq!(unknown.unwrap_err().0, NOT_FOUND);
}
