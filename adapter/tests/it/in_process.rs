//! A server without sockets over the repository that ships with these tests.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use half::{bf16, f16};
use nav_adapter::in_process::{
    AsyncResponses, InferError, InferenceRequest, LoadParameters, Model, ModelState, Responses,
    Server, Status,
};
use nav_adapter::{Array, DType, Element, ErrorKind, Parameter};

use crate::place::Place;

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/repository")
}

/// A server of the repository that ships with these tests.
pub(crate) fn server(place: &Place) -> Server {
    let server = Server::builder()
        .model_repository(repository())
        .host(place.host());
    server.start().unwrap()
}

/// Waits for a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// Whether these elements come back from the model as they are.
fn check<E: Element>(model: &Model, elements: &[E]) {
    let name = E::DTYPE.name().to_lowercase();
    let array = Array::new([1, elements.len()], elements).unwrap();
    let mut responses = model
        .infer([(format!("{name}_input"), array.clone())])
        .unwrap();
    let response = responses.next().unwrap().unwrap();
    let output = &response.outputs[&*format!("{name}_output")];
    assert_eq!(output, &array);
    assert_eq!(output.to_vec::<E>().unwrap(), elements);
    assert!(responses.next().is_none());
    assert_eq!((&*response.model, response.version), ("test", 1));
}

#[test]
fn every_type_comes_back_as_it_went() {
    let place = Place::new();
    let server = server(&place);
    let test = server.model("test").unwrap();
    check(&test, &[true, false]);
    check(&test, &[u8::MAX, 0]);
    check(&test, &[u16::MAX, 1]);
    check(&test, &[u32::MAX, 1]);
    check(&test, &[u64::MAX, 1]);
    check(&test, &[i8::MIN, 1]);
    check(&test, &[i16::MIN, 1]);
    check(&test, &[i32::MIN, 1]);
    check(&test, &[i64::MIN, 1]);
    check(&test, &[f16::MAX, f16::EPSILON]);
    check(&test, &[bf16::MAX, bf16::EPSILON]);
    check(&test, &[f32::MIN, f32::INFINITY]);
    check(&test, &[f64::MIN, 0.1]);
    let texts = ["", "ä", "two words"];
    let array = Array::strings([1, 3], texts).unwrap();
    let response = test.infer_one([("string_input", array)]).unwrap();
    assert_eq!(response.outputs["string_output"].texts().unwrap(), texts);
}

#[test]
fn the_test_model_has_every_type() {
    let place = Place::new();
    let server = server(&place);
    let metadata = server.model("test").unwrap().metadata().unwrap();
    let found: Vec<DType> = metadata.inputs.iter().map(|it| it.dtype).collect();
    assert_eq!(found, DType::ALL);
    let found: Vec<DType> = metadata.outputs.iter().map(|it| it.dtype).collect();
    assert_eq!(found, DType::ALL);
    assert_eq!(metadata.outputs[0].shape, [-1, -1]);
    assert_eq!(
        (metadata.versions, &*metadata.platform),
        (vec![1], "identity")
    );
}

#[test]
fn the_outputs_lie_where_the_model_put_them() {
    let place = Place::new();
    let server = server(&place);
    let array = Array::new([1, 4], [1.0_f32, 2.0, 3.0, 4.0]).unwrap();
    let inputs = [("fp32_input", array.clone())];
    let response = server.model("test").unwrap().infer_one(inputs).unwrap();
    let output = &response.outputs["fp32_output"];
    // This model gives back the very bytes that it was given, and nobody on the way copies them.
    assert_eq!(output.bytes().as_ptr(), array.bytes().as_ptr());
}

#[test]
fn a_decoupled_model_answers_as_often_as_it_wants() {
    let place = Place::new();
    let server = server(&place);
    let square = server.model("square").unwrap();
    assert!(square.is_decoupled().unwrap());
    let ask = |count: i32| [("IN", Array::new([1], [count]).unwrap())];
    let answers = square.infer(ask(3)).unwrap();
    let numbers: Vec<i32> = answers
        .map(|answer| answer.unwrap().outputs["OUT"].first().unwrap().unwrap())
        .collect();
    assert_eq!(numbers, [3, 3, 3]);
    assert_eq!(square.infer(ask(0)).unwrap().count(), 0);
    let error = square.infer_one(ask(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let repeat = server.model("repeat").unwrap();
    let array = Array::new([3], [4_i32, 2, 9]).unwrap();
    let mut answers = repeat.infer_async([("IN", array)]).unwrap();
    let mut numbers = Vec::new();
    block_on(async {
        while let Some(answer) = answers.next().await {
            numbers.push(answer.unwrap().outputs["OUT"].first::<i32>().unwrap());
        }
    });
    assert_eq!(numbers, [Some(4), Some(2), Some(9)]);
}

#[test]
fn a_request_says_what_it_wants_and_is_told_what_is_wrong_with_it() {
    let place = Place::new();
    let server = server(&place);
    let test = server.model("test").unwrap();
    let array = || Array::new([1, 1], [7_i64]).unwrap();
    let request = InferenceRequest::new()
        .input("int64_input", array())
        .input("int8_input", Array::new([1, 1], [1_i8]).unwrap())
        .output("int64_output")
        .parameter("color", Parameter::Text("red".into()))
        .id("one");
    let response = test.infer_one(request).unwrap();
    let names: Vec<&str> = response.outputs.keys().map(String::as_str).collect();
    assert_eq!(
        (names, response.id.as_deref()),
        (vec!["int64_output"], Some("one"))
    );
    let check = |request: InferenceRequest, expected: &str| {
        let error = test.infer_one(request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), expected);
    };
    let asking = |name: &str| InferenceRequest::new().input(name, array());
    check(asking("other"), "the model has no input `other`");
    check(
        asking("int32_input"),
        "input `int32_input` is INT64, expected INT32",
    );
    check(
        asking("int64_input").output("other"),
        "the model has no output `other`",
    );
    let nine = Array::new([9, 1], [0_i64; 9]).unwrap();
    check(
        [("int64_input", nine)].into(),
        "the request has 9 rows, and a batch of this model takes 8",
    );
    assert!(matches!(
        server.model("nothing").unwrap_err(),
        InferError::UnknownModel { .. }
    ));
    assert!(matches!(
        server.model_version("test", Some(2)).unwrap_err(),
        InferError::UnknownVersion { .. }
    ));
}

#[test]
fn a_request_is_taken_back() {
    let place = Place::new();
    let server = server(&place);
    let repeat = server.model("repeat").unwrap();
    let values = ("IN", Array::new([2], [1_i32, 2]).unwrap());
    // So long before each answer that nobody waits for it.
    let never = ("DELAY", Array::new([2], [u32::MAX, u32::MAX]).unwrap());
    let busy = repeat.infer([values.clone(), never]).unwrap();
    // The model has one thread, so this one waits.
    let mut answers = repeat.infer([values.clone()]).unwrap();
    let soon = Instant::now() + Duration::from_millis(1);
    assert!(answers.next_until(soon).is_none());
    answers.cancel_handle().cancel();
    let error = answers.next().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(answers.next().is_none());
    // Whoever drops the answers wants them no more, and the thread is free again.
    drop(busy);
    assert_eq!(repeat.infer([values]).unwrap().count(), 2);
}

#[test]
fn what_clients_are_told_is_told_here() {
    let place = Place::new();
    let server = server(&place);
    assert!(server.live() && server.ready());
    let metadata = server.metadata();
    assert_eq!(
        (&*metadata.name, metadata.version.is_empty()),
        ("nav", false)
    );
    assert!(metadata.extensions.iter().any(|it| it == "statistics"));
    let test = server.model("test").unwrap();
    assert!(test.ready());
    assert_eq!(test.max_batch_size().unwrap(), 8);
    let config = test.config().unwrap();
    assert_eq!(
        (&config["backend"], &config["max_batch_size"]),
        (&"identity".into(), &8.into())
    );
    assert_eq!(config["input"][13]["data_type"], "TYPE_STRING");
    let array = Array::new([2, 1], [1_u8, 2]).unwrap();
    test.infer_one([("uint8_input", array)]).unwrap();
    let statistics = test.statistics().unwrap();
    assert_eq!(
        (statistics.inference_count, statistics.success.count),
        (2, 1)
    );
    let line = "nv_inference_request_success{model=\"test\",version=\"1\"} 1\n";
    assert!(server.metrics().contains(line), "{}", server.metrics());
}

#[test]
fn versions_are_served_as_the_policy_says() {
    let check = |policy: &str, expected: &[u64]| {
        let place = Place::new();
        let folder = place.path("models/m");
        for version in [1, 2, 4] {
            std::fs::create_dir_all(folder.join(version.to_string())).unwrap();
        }
        let tensors = |word| format!("{word} {{ name: 'x' data_type: TYPE_INT32 dims: [ 1 ] }}");
        let (input, output) = (tensors("input"), tensors("output"));
        let config = format!("backend: 'identity' {policy} {input} {output}");
        std::fs::write(folder.join("config.pbtxt"), config).unwrap();
        let builder = Server::builder().model_repository(place.path("models"));
        let server = builder.host(place.host()).start().unwrap();
        let found: Vec<u64> = server
            .models()
            .into_iter()
            .filter(|(_, status)| *status == Status::Known(ModelState::Ready))
            .filter_map(|((_, version), _)| version)
            .collect();
        assert_eq!(found, expected, "{policy}");
        for version in 1..=5 {
            let model = server.model_version("m", Some(version));
            assert_eq!(model.is_ok(), expected.contains(&version), "{policy}");
        }
        let model = server.model("m").unwrap();
        assert_eq!(model.metadata().unwrap().versions, expected, "{policy}");
        let x = Array::new([1], [7_i32]).unwrap();
        let response = model.infer_one([("x", x)]).unwrap();
        assert_eq!(Some(&response.version), expected.last(), "{policy}");
    };
    check("", &[4]);
    check("version_policy: { latest: { num_versions: 2 } }", &[2, 4]);
    check("version_policy: { all: {} }", &[1, 2, 4]);
    check(
        "version_policy: { specific: { versions: [ 2, 1 ] } }",
        &[1, 2],
    );
}

#[test]
fn models_come_and_go() {
    let place = Place::new();
    let server = Server::builder()
        .model_repository(repository())
        .host(place.host())
        .startup_model("square");
    let server = server.start().unwrap();
    let ready = || Status::Known(ModelState::Ready);
    let status = |name: &str, version| server.models().get(&(name.to_owned(), version)).cloned();
    assert_eq!(status("square", Some(1)), Some(ready()));
    assert_eq!(status("test", None), Some(Status::Unknown));
    assert!(server.model("test").is_err());
    let test = server.load("test").unwrap();
    assert_eq!(status("test", Some(1)), Some(ready()));
    let array = Array::new([1, 1], [1_u8]).unwrap();
    let ask = || test.infer_one([("uint8_input", array.clone())]);
    assert!(ask().is_ok());
    server.unload("test").unwrap();
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!test.ready());
    let wrong = LoadParameters::default().with_config(r#"{"backend":"nothing"}"#);
    let error = server.load_with("test", &wrong).unwrap_err();
    assert!(error.to_string().contains("test"), "{error}");
    let error = server.load("other").unwrap_err();
    assert!(
        error.to_string().contains("there is no such model"),
        "{error}"
    );
    assert!(server.load("test").is_ok());
    assert!(ask().is_ok());
}

#[test]
fn threads_share_a_server_and_ask_side_by_side() {
    fn check<T: Send>() {}
    check::<InferenceRequest>();
    check::<Responses>();
    check::<AsyncResponses>();
    let place = Place::new();
    let server = server(&place);
    let test = server.model("test").unwrap();
    std::thread::scope(|scope| {
        for number in 0..8_u64 {
            let (server, test) = (&server, &test);
            scope.spawn(move || {
                for round in 0..50 {
                    let array = Array::new([1, 1], [number * 100 + round]).unwrap();
                    let response = test.infer_one([("uint64_input", array.clone())]).unwrap();
                    assert_eq!(response.outputs["uint64_output"], array);
                    assert!(server.ready());
                }
            });
        }
    });
    assert_eq!(test.statistics().unwrap().success.count, 400);
}

#[test]
fn what_it_was_asked_is_answered_when_it_stops() {
    let place = Place::new();
    let server = server(&place);
    let test = server.model("test").unwrap();
    let array = Array::new([1, 1], [1_u8]).unwrap();
    let asked: Vec<_> = (0..20)
        .map(|_| test.infer([("uint8_input", array.clone())]).unwrap())
        .collect();
    assert!(server.stop());
    for mut responses in asked {
        assert!(responses.next().unwrap().is_ok());
    }
    assert!(test.infer_one([("uint8_input", array)]).is_err());
}
