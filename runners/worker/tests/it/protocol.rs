//! Children that break the protocol: each is killed, and the cause names what it did.

use std::sync::Arc;
use std::time::Duration;

use nav_package_format::DType;
use nav_runners::{LoadError, Loaded, RunError};
use nav_worker::{Isolated, WorkerCommand, WorkerOptions};

use crate::runners::{IDENTITY, tensor};
use crate::support::{PATIENT, cause_of, command, load_with, run, session};

fn load(script: &str, options: WorkerOptions) -> Result<Arc<dyn Loaded>, LoadError> {
    let command = command("child_scripted").with_argument(format!("script={script}"));
    load_with(&Isolated::new(IDENTITY, command).with_options(options), "m")
}

fn cause_of_loading(script: &str, options: WorkerOptions) -> String {
    match load(script, options) {
        Err(LoadError::WorkerLost { cause, .. }) => cause,
        other => panic!("expected a lost worker and got {other:?}"),
    }
}

fn run_once(script: &str) -> String {
    let options = WorkerOptions {
        shutdown_grace: Duration::from_millis(300),
        ..PATIENT
    };
    let model = load(script, options).unwrap();
    let x = tensor(0, DType::Fp32, &[], vec![0; 4]);
    cause_of(run(session(&model).as_mut(), &[x]))
}

#[test]
fn a_child_that_breaks_no_rule_is_served() {
    let model = load("well-behaved", PATIENT).unwrap();
    let x = tensor(0, DType::Fp32, &[], vec![0; 4]);
    let outputs = run(session(&model).as_mut(), &[x]).unwrap();
    assert!(outputs.is_empty());
}

#[test]
fn a_child_of_another_version_is_refused_with_both_versions_named() {
    let cause = cause_of_loading("another-version", PATIENT);
    let expected = "it speaks version 9 of the worker protocol and this program version 1";
    assert!(cause.starts_with(expected), "{cause}");
}

#[test]
fn a_child_that_greets_wrongly_is_refused() {
    let cause = cause_of_loading("not-a-frame", PATIENT);
    let expected = "it sent something that is not a frame of this protocol";
    assert!(cause.starts_with(expected), "{cause}");
}

#[test]
fn a_child_that_does_not_greet_is_killed_at_the_deadline() {
    let options = WorkerOptions {
        load_deadline: Duration::from_millis(300),
        ..PATIENT
    };
    let cause = cause_of_loading("silence", options);
    assert_eq!(cause, "no answer within 300 ms; it was killed");
}

#[test]
fn a_signature_that_is_none_is_refused() {
    let cause = cause_of_loading("wrong-signature", PATIENT);
    let expected = "it sent a `loaded` frame with an invalid body: ";
    assert!(cause.starts_with(expected), "{cause}");
}

#[test]
fn a_program_that_is_no_worker_is_refused_with_its_true_end() {
    let check = |program: &str, expected: &str| {
        let runner = Isolated::new(IDENTITY, WorkerCommand::new(program.into()));
        let error = load_with(&runner, "m").unwrap_err().to_string();
        let lost = "the worker process of runner Identity was lost: ";
        assert_eq!(error, format!("{lost}{expected}"));
    };
    check("/bin/false", "exited with status 1");
    check(
        "/nowhere/worker",
        "/nowhere/worker could not be started: No such file or directory (os error 2)",
    );
}

#[test]
fn every_answer_that_cannot_be_true_ends_the_child_and_is_named() {
    let check = |script: &str, expected: &str| {
        let cause = run_once(script);
        assert_eq!(cause, format!("{expected}; it was killed"), "{script}");
    };
    let invalid = "it sent a `done` frame with an invalid output: ";
    check(
        "garbage",
        "it sent something that is not a frame of this protocol",
    );
    check(
        "wrong-length",
        "it sent a frame that says it has 20 bytes and has 16",
    );
    check("too-long", "a frame may not be longer than 131072 bytes");
    check(
        "wrong-kind",
        "it sent a `loaded` frame where `done`, `need output` or `run failed` was due",
    );
    check(
        "unknown-output",
        &format!("{invalid}the model has no output #7"),
    );
    check(
        "wrong-type",
        &format!("{invalid}output `y` is INT64, and the model gives FP32"),
    );
    check(
        "unknown-type",
        "it sent a `done` frame with an invalid element type: 99",
    );
    check(
        "wrong-size",
        &format!("{invalid}output `y` takes 8 bytes from 0 on in a slot of 0"),
    );
    check(
        "out-of-slot",
        &format!("{invalid}output `y` takes 4 bytes from 1099511627776 on in a slot of 0"),
    );
    check("too-many", "it sent a `done` frame that ends too early");
    check(
        "bad-strings",
        &format!(
            "{invalid}output `s` does not hold byte strings: \
             element 0 runs past the end of the data"
        ),
    );
    check(
        "needs-twice",
        "it sent a `need output` frame where `done` or `run failed` was due",
    );
    check(
        "file-with-answer",
        "it sent a `done` frame with 1 file descriptors",
    );
    check("closes", "it closed a connection and went on");
}

#[test]
fn a_child_that_asks_for_everything_is_refused_and_goes_on() {
    let model = load("needs-everything", PATIENT).unwrap();
    let mut session = session(&model);
    let x = tensor(0, DType::Fp32, &[], vec![0; 4]);
    let refused = run(session.as_mut(), std::slice::from_ref(&x)).unwrap_err();
    let expected = "runner Identity failed: its outputs take 18446744073709551615 bytes, \
                    more than the limit of 67108864";
    assert_eq!(refused.to_string(), expected);
    assert!(matches!(refused, RunError::Runtime { .. }));
    assert!(run(session.as_mut(), &[x]).unwrap().is_empty());
}
