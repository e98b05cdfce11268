//! Models of a repository, served beside those that are bound, and whether all of that is ready.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use nav_adapter::{Host, ModelConfig, ModelControl, Triton, TritonConfig, TritonSecurityConfig};
use nav_worker::packaged::Home;
use tempfile::TempDir;

use super::life::{bind, send, status};
use super::{Gate, PATIENCE, asked, builder, free_ports, more, x, y};
use crate::in_process::repository;
use crate::subject::posted;

/// A server of the models in this folder that everybody manages.
struct Serving {
    triton: Triton,
    /// What it logs.
    told: Receiver<String>,
    /// Where it keeps things.
    _home: TempDir,
}

impl Serving {
    fn new(models: &Path, config: TritonConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::at(Home::at(folder.path()).unwrap());
        let config = TritonConfig {
            model_repository: Some(models.to_owned()),
            ..config
        };
        let (sender, told) = channel();
        let builder = builder(config)
            .host(host)
            .security(TritonSecurityConfig::open());
        let builder = builder.log(move |line| {
            // A test that is over does not care any more.
            sender.send(line.to_owned()).ok();
        });
        Self {
            triton: builder.build().unwrap(),
            told,
            _home: folder,
        }
    }

    /// Waits until all of this is logged.
    fn until_told(&self, mut events: Vec<&str>) {
        while !events.is_empty() {
            let line = self.told.recv_timeout(PATIENCE).unwrap();
            events.retain(|event| !line.contains(event));
        }
    }
}

/// Writes a model that gives back what it takes, one number.
fn put(models: &Path, name: &str) {
    std::fs::create_dir_all(models.join(name).join("1")).unwrap();
    std::fs::write(models.join(name).join("config.pbtxt"), IDENTITY).unwrap();
}

const IDENTITY: &str = "backend: 'identity' input { name: 'x' data_type: TYPE_INT32 dims: 1 } output { name: 'y' data_type: TYPE_INT32 dims: 1 }";

/// Whether the server is ready, as the program and clients are told alike.
fn is_ready(triton: &Triton) -> bool {
    let told = status(triton, "/v2/health/ready") == 200;
    assert_eq!(triton.is_ready(), told);
    told
}

#[test]
fn models_of_a_repository_are_served_beside_those_that_are_bound() {
    let serving = Serving::new(&repository(), free_ports());
    let triton = &serving.triton;
    bind(triton, "bound");
    triton.run().unwrap();
    for name in ["bound", "square", "test"] {
        assert_eq!(status(triton, &format!("/v2/models/{name}/ready")), 200);
    }
    let twice = triton.bind("square", more(), x(), y(), ModelConfig::default());
    assert_eq!(
        twice.unwrap_err().to_string(),
        "version 1 of model `square` is bound already"
    );
}

#[test]
fn a_model_comes_with_its_files_where_clients_load_models() {
    let models = tempfile::tempdir().unwrap();
    let config = TritonConfig {
        model_control_mode: Some(ModelControl::Explicit),
        ..free_ports()
    };
    let serving = Serving::new(models.path(), config);
    let triton = &serving.triton;
    triton.run().unwrap();
    let config = r#"{"backend": "identity", "input": [{"name": "x", "data_type": "TYPE_INT32", "dims": [1]}], "output": [{"name": "y", "data_type": "TYPE_INT32", "dims": [1]}]}"#;
    let body = format!(r#"{{"parameters": {{"config": {config:?}, "file:3/weights": "QUJD"}}}}"#);
    let wire = posted("/v2/repository/models/sent/load", &[], body.as_bytes());
    let reply = send(triton, &wire);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(status(triton, "/v2/models/sent/versions/3/ready"), 200);
}

#[test]
fn models_come_and_go_with_their_files_where_those_are_looked_at() {
    let models = tempfile::tempdir().unwrap();
    put(models.path(), "first");
    let config = TritonConfig {
        model_control_mode: Some(ModelControl::Poll),
        repository_poll_secs: Some(1),
        ..free_ports()
    };
    let serving = Serving::new(models.path(), config);
    let triton = &serving.triton;
    triton.run().unwrap();
    assert_eq!(status(triton, "/v2/models/first/ready"), 200);
    put(models.path(), "second");
    std::fs::remove_dir_all(models.path().join("first")).unwrap();
    serving.until_told(vec![" loaded model=second", " unloaded model=first"]);
    assert_eq!(status(triton, "/v2/models/second/ready"), 200);
    assert_ne!(status(triton, "/v2/models/first/ready"), 200);
    assert!(is_ready(triton));
}

#[test]
fn the_program_and_its_clients_are_told_alike_whether_the_server_is_ready() {
    let models = tempfile::tempdir().unwrap();
    put(models.path(), "good");
    put(models.path(), "bad");
    std::fs::write(models.path().join("bad/config.pbtxt"), "backend: 'nothing'").unwrap();
    for (strict_readiness, expected) in [(None, false), (Some(true), false), (Some(false), true)] {
        let config = TritonConfig {
            exit_on_error: Some(false),
            strict_readiness,
            ..free_ports()
        };
        let serving = Serving::new(models.path(), config);
        let triton = &serving.triton;
        assert!(!triton.is_ready());
        triton.run().unwrap();
        assert_eq!(status(triton, "/v2/models/good/ready"), 200);
        assert_eq!(is_ready(triton), expected, "{strict_readiness:?}");
        triton.stop().unwrap();
        assert!(!triton.is_ready());
    }
}

#[test]
fn a_server_that_stops_is_not_ready_while_it_answers_what_it_has() {
    for strict_readiness in [Some(true), Some(false)] {
        let config = TritonConfig {
            strict_readiness,
            ..free_ports()
        };
        let triton = builder(config).build().unwrap();
        let (gate, gated) = Gate::new();
        let bound = triton.bind("m", gated, x(), y(), ModelConfig::default());
        bound.unwrap();
        triton.run().unwrap();
        assert!(is_ready(&triton));
        let reply = asked(&triton, "m", &[7]);
        gate.entered();
        std::thread::scope(|scope| {
            let stopping = scope.spawn(|| triton.stop());
            let until = Instant::now() + PATIENCE;
            while triton.is_ready() {
                assert!(Instant::now() < until, "it is ready for ever");
            }
            assert!(!is_ready(&triton));
            gate.go_on();
            stopping.join().unwrap().unwrap();
        });
        assert_eq!(super::answer(reply), Ok(vec![7]));
    }
}

#[test]
fn a_repository_that_is_not_there_is_refused_with_the_field() {
    let config = TritonConfig {
        model_repository: Some("/nowhere/at/all".into()),
        ..free_ports()
    };
    let refused = builder(config).build().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "model_repository: /nowhere/at/all cannot be read: No such file or directory (os error 2)"
    );
}
