//! What callers are told when something goes wrong in a child, and what happens next.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use nav_package_format::{DType, Format};
use nav_runners::{LoadError, RunError};
use nav_worker::WorkerOptions;
use rustix::process::{Pid, Signal};

use crate::runners::{FAULTY, Fault, IDENTITY};
use crate::support::{PATIENT, ask, ask_for, cause_of, load, session};

const SHORT_RUN: WorkerOptions = WorkerOptions {
    run_deadline: Duration::from_secs(1),
    ..PATIENT
};

#[test]
fn a_crash_is_told_by_its_signal_and_last_words_and_the_next_run_works() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let first = ask_for(session.as_mut(), Fault::ProcessId).unwrap();
    let cause = cause_of(ask_for(session.as_mut(), Fault::Abort));
    assert_eq!(
        cause,
        "killed by signal 6 (SIGABRT); it wrote last: one line | terminate called after throwing"
    );
    let second = ask_for(session.as_mut(), Fault::ProcessId).unwrap();
    assert_ne!(first, second);
}

#[test]
fn an_exit_is_told_by_its_status() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let cause = cause_of(ask_for(session.as_mut(), Fault::Exit));
    assert_eq!(cause, "exited with status 3");
    assert_eq!(session.run(), Err(RunError::NotStaged));
    assert_eq!(ask(session.as_mut(), 5), Ok(5));
}

#[test]
fn a_hang_ends_at_the_deadline_for_every_session_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let running = UnixListener::bind(&path).unwrap();
    let model = load(FAULTY, &path, SHORT_RUN).unwrap();
    std::thread::scope(|scope| {
        let hang = || cause_of(ask_for(session(&model).as_mut(), Fault::Hang));
        let threads = [scope.spawn(hang), scope.spawn(hang)];
        for thread in threads {
            let cause = thread.join().unwrap();
            // One of them may have found the child gone, and tried the next one.
            assert_eq!(cause, "no answer within 1 s; it was killed");
        }
    });
    drop(running);
    assert_eq!(ask(session(&model).as_mut(), 5), Ok(5));
}

#[test]
fn a_child_killed_from_outside_answers_everybody_in_flight_with_the_true_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let running = UnixListener::bind(&path).unwrap();
    let model = load(FAULTY, &path, PATIENT).unwrap();
    let mut idle = session(&model);
    let process = ask_for(idle.as_mut(), Fault::ProcessId).unwrap();
    std::thread::scope(|scope| {
        let hang = || cause_of(ask_for(session(&model).as_mut(), Fault::Hang));
        let threads = [scope.spawn(hang), scope.spawn(hang), scope.spawn(hang)];
        for _ in &threads {
            running.accept().unwrap();
        }
        let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
        rustix::process::kill_process(process, Signal::KILL).unwrap();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), "killed by signal 9 (SIGKILL)");
        }
    });
    let next = ask_for(idle.as_mut(), Fault::ProcessId).unwrap();
    assert_ne!(next, process);
}

#[test]
fn within_the_backoff_calls_fail_at_once_and_say_when_to_come_back() {
    let options = WorkerOptions {
        first_backoff: Duration::from_hours(1),
        longest_backoff: Duration::from_hours(2),
        ..PATIENT
    };
    let model = load(FAULTY, "m", options).unwrap();
    let mut lost = session(&model);
    let mut other = session(&model);
    cause_of(ask_for(lost.as_mut(), Fault::Exit));
    for session in [&mut lost, &mut other] {
        let down = ask(session.as_mut(), 5).unwrap_err();
        let RunError::WorkerDown {
            cause, retry_after, ..
        } = down
        else {
            panic!("{down}");
        };
        assert_eq!(cause, "exited with status 3");
        let hour = Duration::from_hours(1);
        assert!(
            retry_after <= hour && retry_after > hour / 2,
            "{retry_after:?}"
        );
    }
    let refused = std::sync::Arc::clone(&model).session().unwrap_err();
    let LoadError::WorkerLost { cause, .. } = refused else {
        panic!("{refused}");
    };
    let start = "exited with status 3; it is not started again for another 3";
    assert!(cause.starts_with(start), "{cause}");
}

#[test]
fn a_model_that_cannot_be_loaded_again_says_why_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goes");
    std::fs::write(&path, "").unwrap();
    let model = load(FAULTY, &path, PATIENT).unwrap();
    let mut session = session(&model);
    cause_of(ask_for(session.as_mut(), Fault::Exit));
    std::fs::remove_file(&path).unwrap();
    let cause = cause_of(ask(session.as_mut(), 5));
    assert!(cause.ends_with("goes: it is gone"), "{cause}");
    let refused = std::sync::Arc::clone(&model).session().unwrap_err();
    assert!(matches!(refused, LoadError::Unreadable { .. }), "{refused}");
    std::fs::write(&path, "").unwrap();
    assert_eq!(ask(session.as_mut(), 5), Ok(5));
}

#[test]
fn a_panic_is_an_error_of_that_run_alone() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let process = ask_for(session.as_mut(), Fault::ProcessId).unwrap();
    let failed = ask_for(session.as_mut(), Fault::Panic).unwrap_err();
    let expected = "runner Faulty failed: it panicked: as it was told to";
    assert_eq!(failed.to_string(), expected);
    assert_eq!(ask_for(session.as_mut(), Fault::ProcessId), Ok(process));
}

#[test]
fn errors_of_a_run_cross_as_they_are() {
    let model = load(FAULTY, "m", PATIENT).unwrap();
    let mut session = session(&model);
    let expected = RunError::DType {
        runner: "Faulty".to_owned(),
        tensor: "y".to_owned(),
        dtype: DType::Bf16,
    };
    assert_eq!(ask_for(session.as_mut(), Fault::Fail), Err(expected));
    let failed = ask_for(session.as_mut(), Fault::FailAtLength).unwrap_err();
    let expected = "runner Faulty failed: its reason is too long to be told";
    assert_eq!(failed.to_string(), expected);
    let failed = ask_for(session.as_mut(), Fault::LieAboutSize).unwrap_err();
    let expected = "runner Faulty failed: its outputs are not as large as it says they are";
    assert_eq!(failed.to_string(), expected);
    assert_eq!(ask(session.as_mut(), 5), Ok(5));
}

#[test]
fn errors_of_loading_cross_as_they_are() {
    let refused = load(IDENTITY, "refused", PATIENT).unwrap_err();
    let expected = LoadError::Format {
        runner: "Identity".to_owned(),
        format: Format::Onnx,
    };
    assert_eq!(refused, expected);
    let refused = load(IDENTITY, "refused-at-length", PATIENT).unwrap_err();
    let expected = "runner Identity refused model refused-at-length: \
                    its reason is too long to be told";
    assert_eq!(refused.to_string(), expected);
    let panicked = load(IDENTITY, "panics", PATIENT).unwrap_err();
    let expected = "runner Identity refused model panics: it panicked: at loading";
    assert_eq!(panicked.to_string(), expected);
    let model = load(IDENTITY, "without-sessions", PATIENT).unwrap();
    let refused = model.session().unwrap_err();
    assert!(matches!(refused, LoadError::Setting { .. }), "{refused}");
}

#[test]
fn a_crash_or_hang_while_loading_is_told_like_any_other() {
    let crashed = load(IDENTITY, "aborts", PATIENT).unwrap_err();
    let lost = "the worker process of runner Identity was lost: ";
    assert_eq!(
        crashed.to_string(),
        format!("{lost}killed by signal 6 (SIGABRT)")
    );
    let options = WorkerOptions {
        load_deadline: Duration::from_millis(700),
        ..PATIENT
    };
    let hung = load(IDENTITY, "hangs", options).unwrap_err();
    assert_eq!(
        hung.to_string(),
        format!("{lost}no answer within 700 ms; it was killed")
    );
}

#[test]
fn a_path_that_cannot_be_told_to_another_process_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::OsStr::from_bytes(b"/models/\xff");
    let refused = load(IDENTITY, path, PATIENT).unwrap_err();
    assert!(matches!(refused, LoadError::Unreadable { .. }), "{refused}");
}

#[test]
fn outputs_beyond_the_limit_are_an_error_and_the_session_goes_on() {
    let options = WorkerOptions {
        output_limit: 1000,
        ..PATIENT
    };
    let model = load(IDENTITY, "m", options).unwrap();
    let mut session = session(&model);
    let input = |size| crate::runners::tensor(1, DType::Uint8, &[size], vec![7; size]);
    let refused = crate::support::run(session.as_mut(), &[input(1001)]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "runner Identity failed: its outputs take 1001 bytes, more than the limit of 1000"
    );
    let outputs = crate::support::run(session.as_mut(), &[input(1000)]).unwrap();
    assert_eq!(outputs[0], input(1000));
}
