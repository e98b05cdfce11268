//! Backends of the server's own, in a repository, and models without a configuration.

use nav_engine::{Engine, Request};
use nav_package_format::DType;
use nav_serve::Control;

use super::place::{Place, ask, change, serve};

const DECOUPLED: &str = "model_transaction_policy { decoupled: true }";

fn numbers(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// The first and the second output of each response, as numbers.
fn responses(engine: &Engine, model: &str, request: Request) -> Vec<(i32, Option<i32>)> {
    let mut stream = engine.stream(model, None, request);
    let mut found = Vec::new();
    while let Some(answer) = stream.receive() {
        let response = answer.result.unwrap();
        let number = |index| {
            let tensor = response.output(index)?;
            Some(i32::from_le_bytes(
                tensor.bytes.as_ref().try_into().unwrap(),
            ))
        };
        found.push((number(0).unwrap(), number(1)));
    }
    found
}

#[test]
fn decoupled_backends_give_as_many_responses_as_they_are_asked_for() {
    let place = Place::new();
    for name in ["square", "repeat"] {
        let config = format!("backend: '{name}' {DECOUPLED}");
        place.write(&format!("{name}/config.pbtxt"), &config);
        std::fs::create_dir(place.models().join(name).join("1")).unwrap();
    }
    let repository = place.repository(Control::None);
    let engine = repository.engine();
    let square = |number| {
        let request = Request::new().with_input("IN", DType::Int32, [1], numbers(&[number]));
        responses(engine, "square", request)
    };
    assert_eq!(square(3), [(3, None); 3]);
    assert_eq!(square(0), []);
    assert_eq!(square(-1), []);
    let elements = [4, 2, 0, 1];
    let plain = || Request::new().with_input("IN", DType::Int32, [4], numbers(&elements));
    let expected = [(4, Some(0)), (2, Some(1)), (0, Some(2)), (1, Some(3))];
    assert_eq!(responses(engine, "repeat", plain()), expected);
    let delayed = plain()
        .with_input("DELAY", DType::Uint32, [4], numbers(&[1, 1, 1, 1]))
        .with_input("WAIT", DType::Uint32, [1], numbers(&[1]));
    assert_eq!(responses(engine, "repeat", delayed), expected);
    let wrong = plain().with_input("DELAY", DType::Uint32, [1], numbers(&[1]));
    let mut stream = engine.stream("repeat", None, wrong);
    let error = stream.receive().unwrap().result.unwrap_err();
    assert!(
        error.to_string().contains("IN has 4 elements and DELAY 1"),
        "{error}"
    );
}

#[test]
fn identity_gives_back_what_it_is_sent() {
    let place = Place::new();
    let tensors = "input [ { name: 'x' data_type: TYPE_FP32 dims: [ -1 ] } ] output [ { name: 'y' data_type: TYPE_FP32 dims: [ -1 ] } ]";
    place.write(
        "same/config.pbtxt",
        &format!("backend: 'identity' max_batch_size: 4 {tensors}"),
    );
    std::fs::create_dir(place.models().join("same/1")).unwrap();
    let subject = place.explicit();
    assert_eq!(change(&subject, "load", "same", "").0, 200);
    assert_eq!(ask(&subject, "same"), Ok(1.0));
    for (config, expected) in [
        (
            "backend: 'identity'",
            "its configuration must declare inputs and outputs",
        ),
        (
            "backend: 'square'",
            "it gives any number of responses: model_transaction_policy must have decoupled: true",
        ),
        (
            "backend: 'identity' output { name: 'y' data_type: TYPE_FP32 dims: 1 }",
            "it must have an output for each input",
        ),
    ] {
        place.write("same/config.pbtxt", config);
        let (status, text) = change(&subject, "load", "same", "");
        assert_eq!(status, 400);
        assert!(text.ends_with(expected), "{text}");
        assert_eq!(ask(&subject, "same"), Ok(1.0));
    }
}

#[test]
fn a_model_without_a_configuration_is_served_as_its_tensors_suggest() {
    let place = Place::new();
    place.write("bare/1/model.txt", "1");
    place.write("named/1/other.txt", "2");
    place.write("named/config.pbtxt", "default_model_filename: 'other.txt'");
    let subject = serve(&place.repository(Control::None));
    assert_eq!(ask(&subject, "bare"), Ok(2.0));
    assert_eq!(ask(&subject, "named"), Ok(3.0));
    let config = subject.get("/v2/models/bare/config");
    let config: serde_json::Value = serde_json::from_slice(&config.body).unwrap();
    assert_eq!(config["backend"], "adding");
    assert_eq!(config["max_batch_size"], 4);
    assert_eq!(config["dynamic_batching"]["preferred_batch_size"][0], 4);
    assert_eq!(config["input"][0]["dims"][0], -1);
    let metadata = subject.get("/v2/models/bare");
    assert!(metadata.text().contains(r#""platform":"adding_text""#));
}
