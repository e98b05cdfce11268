//! Models with sequences that a real runtime runs: what is filled in for them, and kept of them.

use std::path::Path;
use std::time::{Duration, Instant};

use nav_adapter::in_process::{InferenceRequest, InferenceResponse, Model, Server};
use nav_adapter::{Array, Correlation, CorrelationId, Host};

use crate::place::{Place, host_with_onnxruntime};

/// The repository of models with sequences, or only these of them, on this host.
fn server(host: Host, names: &[&str]) -> Server {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sequences");
    let builder = Server::builder().model_repository(folder).host(host);
    let chosen = names
        .iter()
        .fold(builder, |builder, name| builder.startup_model(*name));
    chosen.start().unwrap()
}

fn part(id: u64, flags: &str, numbers: Array) -> InferenceRequest {
    InferenceRequest::new()
        .input("INPUT", numbers)
        .sequence(Correlation {
            id: CorrelationId::Number(id),
            start: flags.contains('s'),
            end: flags.contains('e'),
            owner: None,
        })
}

fn row(number: f32) -> Array {
    Array::new([1, 1], vec![number]).unwrap()
}

fn numbers(response: &InferenceResponse, output: &str) -> Vec<f32> {
    response.outputs[output].to_vec().unwrap()
}

fn sum(model: &Model, id: u64, flags: &str, number: f32) -> f32 {
    let response = model.infer_one(part(id, flags, row(number))).unwrap();
    numbers(&response, "OUTPUT")[0]
}

/// Everything that is asked of the model that sums up.
fn sums_up(server: &Server) {
    let model = server.model("accumulate").unwrap();
    let told = model.infer_one(part(7, "s", row(1.0))).unwrap();
    assert_eq!(numbers(&told, "TOLD"), [1.0, 0.0, 1.0]);
    assert_eq!(told.outputs["SEQUENCE"].to_vec::<i64>().unwrap(), [7]);
    assert_eq!(told.outputs.len(), 3, "what is kept is not given");
    let check = |id, flags, number, expected: f32| {
        let found = sum(&model, id, flags, number);
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    };
    check(7, "", 2.0, 3.0);
    check(7, "s", 10.0, 10.0);
    check(7, "", 1.0, 11.0);
    let told = model.infer_one(part(7, "e", row(4.0))).unwrap();
    assert_eq!(numbers(&told, "TOLD"), [0.0, 1.0, 1.0]);
    assert_eq!(numbers(&told, "OUTPUT"), [15.0]);
    let refused = model.infer_one(part(7, "", row(1.0))).unwrap_err();
    assert!(refused.to_string().contains("does not run"), "{refused}");
    check(7, "se", 2.0, 2.0);
    let text = part(7, "s", row(1.0)).sequence(Correlation {
        id: CorrelationId::Text("mine".into()),
        start: true,
        end: true,
        owner: None,
    });
    let refused = model.infer_one(text).unwrap_err();
    assert!(refused.to_string().contains("has no number"), "{refused}");
}

/// Two sequences side by side, until some of their requests shared a batch.
fn shares_batches(server: &Server) {
    let model = server.model("accumulate").unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let mut step = 0.0;
    loop {
        let flags = if step == 0.0 { "s" } else { "" };
        let both = [(1, 1.0), (2, 100.0)].map(|(id, number)| {
            let responses = model.infer(part(id, flags, row(number)));
            (responses.unwrap(), number)
        });
        step += 1.0;
        for (mut responses, number) in both {
            let response = responses.next().unwrap().unwrap();
            assert_eq!(numbers(&response, "OUTPUT"), [number * step]);
        }
        let statistics = model.statistics().unwrap();
        if statistics
            .batches
            .get(&2)
            .is_some_and(|it| it.compute_infer.count > 0)
        {
            return;
        }
        assert!(Instant::now() < until, "no two ever share a batch");
    }
}

#[test]
fn an_onnx_model_sums_up_each_of_its_sequences() {
    let place = Place::new();
    let server = server(place.host(), &["accumulate"]);
    sums_up(&server);
    shares_batches(&server);
}

#[test]
fn onnxruntime_runs_models_with_sequences() {
    let place = Place::new();
    let Ok(host) = host_with_onnxruntime(&place) else {
        return;
    };
    let server = server(host, &[]);
    sums_up(&server);
    shares_batches(&server);
    let history = server.model("history").unwrap();
    let ask = |flags: &str, given: &[f32]| {
        let given = Array::new([given.len()], given.to_vec()).unwrap();
        numbers(&history.infer_one(part(1, flags, given)).unwrap(), "AFTER")
    };
    assert_eq!(ask("s", &[1.0]), [0.5, 0.25, 1.0]);
    assert_eq!(ask("", &[2.0, 3.0]), [0.5, 0.25, 1.0, 2.0, 3.0]);
    assert_eq!(ask("se", &[4.0]), [0.5, 0.25, 4.0]);
    let vector = server.model("vector").unwrap();
    let metadata = vector.metadata().unwrap();
    let outputs: Vec<_> = metadata.outputs.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((metadata.inputs.len(), outputs), (1, vec!["OUTPUT"]));
    let ask = |flags: &str, given: &[f32]| {
        let given = Array::new([given.len()], given.to_vec()).unwrap();
        let response = vector.infer_one(part(1, flags, given));
        response.map(|response| numbers(&response, "OUTPUT"))
    };
    assert_eq!(ask("s", &[1.0, 2.0, 3.0]).unwrap(), [1.0, 2.0, 3.0]);
    // The runtime fails, and the sequence is as it was.
    assert!(ask("", &[1.0, 2.0]).is_err());
    assert_eq!(ask("e", &[1.0]).unwrap(), [2.0, 3.0, 4.0]);
}
