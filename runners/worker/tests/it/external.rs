//! Runners that are executables of their own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use nav_package_format::Format;
use nav_runners::{Libraries, LoadError, LoadOptions, ModelFile, Probe, Runner};
use nav_worker::ExternalRunner;

use crate::runners::{ADD, FAULTY};
use crate::support::{ask, session};

const fn external(name: &'static str) -> ExternalRunner {
    ExternalRunner {
        name,
        executable: "nav-runner-for-tests",
        formats: &[Format::Onnx],
        linked_to: &[],
        how_to_build: None,
        load_deadline: Duration::from_mins(1),
    }
}

fn libraries() -> Libraries {
    let executable = "nav-runner-for-tests";
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it")
        .join(executable);
    Libraries {
        worker_executables: BTreeMap::from([(executable.to_owned(), path)]),
        ..Libraries::default()
    }
}

fn model() -> ModelFile {
    ModelFile {
        path: "m".into(),
        format: Format::Onnx,
    }
}

#[test]
fn an_executable_is_asked_what_it_can_do() {
    let probe = external(ADD.name()).probe(&libraries());
    assert_eq!(probe, ADD.probe(&Libraries::default()));
    let Probe::Missing { reason, .. } = external("Other").probe(&libraries()) else {
        panic!("there is no such runner");
    };
    assert_eq!(reason, "the worker has no runner Other");
}

#[test]
fn an_executable_serves_its_models() {
    let options = LoadOptions {
        libraries: libraries(),
        ..LoadOptions::default()
    };
    let loaded = external(FAULTY.name()).load(&model(), &options).unwrap();
    assert_eq!(ask(session(&loaded).as_mut(), 5), Ok(5));
}

#[test]
fn an_executable_that_is_nowhere_is_unavailable() {
    let unavailable = external("Add")
        .load(&model(), &LoadOptions::default())
        .unwrap_err();
    let LoadError::Unavailable { reason, .. } = unavailable else {
        panic!("{unavailable}");
    };
    let start = "nav-runner-for-tests is not beside nav (looked in ";
    assert!(reason.starts_with(start), "{reason}");
}
