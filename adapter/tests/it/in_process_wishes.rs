//! What else a request to a server without sockets can say than its inputs, and what else such a server can be told.

use std::time::{Duration, Instant};

use nav_adapter::in_process::{
    Control, InferenceRequest, LoadParameters, ParameterValue, Responses, Server,
};
use nav_adapter::{Array, Correlation, CorrelationId, ErrorKind};

use crate::place::Place;

/// A server of one model of this configuration.
fn server(place: &Place, config: &str) -> Server {
    let folder = place.path("models/m");
    std::fs::create_dir_all(folder.join("1")).unwrap();
    std::fs::write(folder.join("config.pbtxt"), config).unwrap();
    let builder = Server::builder().model_repository(place.path("models"));
    builder.host(place.host()).start().unwrap()
}

const REPEAT: &str = "backend: 'repeat' model_transaction_policy { decoupled: true }";
const IDENTITY: &str = "backend: 'identity' input { name: 'x' data_type: TYPE_INT32 dims: 1 } output { name: 'y' data_type: TYPE_INT32 dims: 1 }";

fn numbers() -> InferenceRequest {
    InferenceRequest::new().input("IN", Array::new([1], [1_i32]).unwrap())
}

fn x() -> InferenceRequest {
    InferenceRequest::new().input("x", Array::new([1], [1_i32]).unwrap())
}

/// Keeps the model at work for as long as this is held.
fn busy(server: &Server) -> Responses {
    let never = Array::new([1], [u32::MAX]).unwrap();
    let model = server.model("m").unwrap();
    model.infer(numbers().input("DELAY", never)).unwrap()
}

fn kind(responses: &mut Responses) -> ErrorKind {
    responses.next().unwrap().unwrap_err().kind()
}

#[test]
fn a_request_of_a_level_that_goes_first_overtakes_others() {
    let place = Place::new();
    let levels = "dynamic_batching { priority_levels: 2 default_priority_level: 2 }";
    let server = server(&place, &format!("{REPEAT} {levels}"));
    let model = server.model("m").unwrap();
    let first = busy(&server);
    // If this one ran before the next one, that would have no answer.
    let waiting = busy(&server);
    let urgent = model.infer(numbers().priority(1)).unwrap();
    drop(first);
    assert_eq!(urgent.count(), 1);
    drop(waiting);
}

#[test]
fn a_request_waits_for_as_long_as_it_says() {
    let place = Place::new();
    let policy = "dynamic_batching { default_queue_policy { allow_timeout_override: true default_timeout_microseconds: 60000000 } }";
    let server = server(&place, &format!("{REPEAT} {policy}"));
    let model = server.model("m").unwrap();
    let _busy = busy(&server);
    let soon = Duration::from_millis(1);
    let mut short = model.infer(numbers().timeout(soon)).unwrap();
    assert_eq!(kind(&mut short), ErrorKind::DeadlineExceeded);
    let until = Instant::now() + soon;
    let mut late = model.infer(numbers().deadline(until)).unwrap();
    assert_eq!(kind(&mut late), ErrorKind::DeadlineExceeded);
}

#[test]
fn a_request_has_its_place_in_a_sequence() {
    let place = Place::new();
    let server = server(&place, &format!("{IDENTITY} sequence_batching {{ }}"));
    let model = server.model("m").unwrap();
    let part = |start, end| {
        x().sequence(Correlation {
            id: CorrelationId::Text("mine".into()),
            start,
            end,
            owner: None,
        })
    };
    let check = |request: InferenceRequest, expected: &str| {
        let refused = model.infer_one(request).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    };
    let not_begun = "sequence `mine` does not run, and the request does not begin it";
    check(
        x(),
        "the request belongs to no sequence, and the model takes no others",
    );
    check(part(false, false), not_begun);
    for (start, end) in [(true, false), (false, false), (false, true)] {
        assert!(model.infer_one(part(start, end)).is_ok());
    }
    check(part(false, true), not_begun);
}

#[test]
fn a_server_takes_no_more_than_it_may() {
    let place = Place::new();
    let folder = place.path("models/m");
    std::fs::create_dir_all(folder.join("1")).unwrap();
    std::fs::write(folder.join("config.pbtxt"), REPEAT).unwrap();
    let builder = Server::builder().model_repository(place.path("models"));
    let server = builder
        .host(place.host())
        .limits(1, 1 << 20)
        .start()
        .unwrap();
    let one = busy(&server);
    let mut more = server.model("m").unwrap().infer(numbers()).unwrap();
    assert_eq!(kind(&mut more), ErrorKind::Overloaded);
    drop(one);
    let large = Array::new([1 << 20], vec![1_i32; 1 << 20]).unwrap();
    let large = InferenceRequest::new().input("IN", large);
    let mut large = server.model("m").unwrap().infer(large).unwrap();
    assert_eq!(kind(&mut large), ErrorKind::Overloaded);
}

#[test]
fn models_are_loaded_as_the_program_says() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("models/m/1")).unwrap();
    std::fs::write(place.path("models/m/config.pbtxt"), IDENTITY).unwrap();
    let builder = Server::builder()
        .model_repository(place.path("models"))
        .model_control(Control::Explicit)
        .no_startup_models();
    let server = builder.host(place.host()).start().unwrap();
    assert_eq!(server.model_control(), Control::Explicit);
    assert!(server.model("m").is_err());
    server.load("m").unwrap();
    let mut parameters = LoadParameters::default().with_config(
        r#"{"backend": "identity", "input": [{"name": "x", "data_type": "TYPE_INT32", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_INT32", "dims": [1]}]}"#,
    );
    let weights = ParameterValue::Bytes(bytes::Bytes::from_static(b"ABC"));
    parameters.set("file:3/weights", weights).unwrap();
    let model = server.load_with("brought", &parameters).unwrap();
    assert_eq!(model.infer_one(x()).unwrap().version, 3);
}
