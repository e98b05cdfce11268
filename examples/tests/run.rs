//! Examples that run to their end, and say what their descriptions promise.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::process::Command;

use tempfile::TempDir;

/// What an example says; it must succeed.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{failed}");
    String::from_utf8(output.stdout).unwrap()
}

/// A repository with the model of the tour.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let version = folder.path().join("digits/1");
    std::fs::create_dir_all(&version).unwrap();
    said(Command::new(env!("CARGO_BIN_EXE_make-models")).arg(&version));
    std::fs::rename(version.join("digits.onnx"), version.join("model.onnx")).unwrap();
    folder
}

#[test]
fn a_program_asks_a_model_of_its_own_repository() {
    let folder = repository();
    let mut ask = Command::new(env!("CARGO_BIN_EXE_ask-in-process"));
    let said = said(ask.arg(folder.path()));
    let lines: Vec<&str> = said.lines().collect();
    let [model, digit, probabilities] = lines[..] else {
        panic!("{said}");
    };
    assert_eq!(model, "digits Some(1): Known(Ready)");
    assert!(digit.starts_with("digit [") && digit.len() == "digit [0]".len());
    assert_eq!(probabilities.matches(',').count(), 9);
}

#[test]
fn the_model_of_the_tour_runs_on_the_embedded_runner() {
    let folder = tempfile::tempdir().unwrap();
    said(Command::new(env!("CARGO_BIN_EXE_make-models")).arg(folder.path()));
    let mut run = Command::new(env!("CARGO_BIN_EXE_run-a-model"));
    let said = said(run.arg(folder.path().join("digits.onnx")));
    assert_eq!(said, "probabilities: FP32 [1,10]\ndigit: INT64 [1]\n");
}
