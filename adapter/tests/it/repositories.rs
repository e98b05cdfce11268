//! Repositories of packages and models, served to the program itself.

use std::sync::Arc;

use nav_adapter::Array;
use nav_adapter::in_process::{Server, StartError};
use nav_adapter::opening::{Instead, Opener};

use crate::place::{Place, TRACT, Told, line, twice};

fn rows(count: usize) -> Array {
    let numbers: Vec<f32> = [1.0, 2.0, 3.0, 4.0].repeat(count);
    Array::new([count, 4], numbers).unwrap()
}

#[test]
fn a_package_is_a_model_of_a_repository() {
    let place = Place::new();
    std::fs::create_dir(place.path("models")).unwrap();
    place.pack("models/line.nav", &line(), (&[TRACT], None));
    let folder = place.path("models/versioned/3");
    std::fs::create_dir_all(&folder).unwrap();
    place.pack("models/versioned/3/model.nav", &line(), (&[TRACT], None));
    let builder = Server::builder().model_repository(place.path("models"));
    let server = builder.host(place.host()).start().unwrap();
    for (name, version) in [("line", 1), ("versioned", 3)] {
        let model = server.model(name).unwrap();
        let response = model.infer_one([("x", rows(2))]).unwrap();
        let sums = response.outputs["y"].to_vec::<f32>().unwrap();
        assert_eq!(
            (sums, response.version),
            (vec![10.0, 2.0, 10.0, 2.0], version)
        );
        // As the default strategies choose: the size of batches that does most.
        assert_eq!(model.max_batch_size().unwrap(), 8, "{name}");
    }
}

#[test]
fn a_file_is_a_model_and_may_be_served_differently() {
    let place = Place::new();
    let path = place.pack("line.nav", &line(), (&[TRACT], None));
    let instead = Instead {
        max_batch: Some(4),
        ..Instead::default()
    };
    let opener = Opener::new(place.host()).serving(instead);
    let builder = Server::builder()
        .model("sums", path)
        .opener(Arc::new(opener));
    let server = builder.start().unwrap();
    let sums = server.model("sums").unwrap();
    assert_eq!(sums.max_batch_size().unwrap(), 4);
    assert!(sums.infer_one([("x", rows(4))]).is_ok());
}

#[test]
fn an_onnx_file_runs_on_the_best_runner_that_is_ready() {
    let place = Place::new();
    let folder = place.path("models/twice/1");
    std::fs::create_dir_all(&folder).unwrap();
    twice().write(&folder.join("model.onnx")).unwrap();
    let config = place.path("models/twice/config.pbtxt");
    std::fs::write(config, "backend: 'onnxruntime'").unwrap();
    let builder = Server::builder().model_repository(place.path("models"));
    let server = builder.host(place.host()).start().unwrap();
    let array = Array::new([3], [1.0_f32, 2.0, 3.0]).unwrap();
    let response = server.model("twice").unwrap().infer_one([("x", array)]);
    let found = response.unwrap().outputs["y"].to_vec::<f32>().unwrap();
    assert_eq!(found, [2.0, 4.0, 6.0]);
}

#[test]
fn a_server_starts_with_all_of_its_models_or_not_at_all() {
    let place = Place::new();
    std::fs::create_dir(place.path("models")).unwrap();
    place.pack("models/good.nav", &line(), (&[TRACT], None));
    let unknown = Told {
        runner: "QuantumQPU",
        ..TRACT
    };
    place.pack("models/bad.nav", &line(), (&[unknown], None));
    let builder = || {
        let builder = Server::builder().model_repository(place.path("models"));
        builder.host(place.host())
    };
    let error = builder().start().unwrap_err();
    assert!(matches!(&error, StartError::Models(failed) if failed.len() == 1));
    assert!(error.to_string().contains("QuantumQPU"), "{error}");
    let server = builder().exit_on_error(false).start().unwrap();
    assert!(server.model("good").is_ok() && server.model("bad").is_err());
    assert!(!server.ready());
    let server = builder().exit_on_error(false).strict_readiness(false);
    assert!(server.start().unwrap().ready());
    let error = Server::builder().model_repository(place.path("nowhere"));
    let error = error.host(place.host()).start().unwrap_err();
    assert!(matches!(error, StartError::Repository(_)), "{error}");
    assert!(error.to_string().ends_with("nowhere cannot be read"));
}
