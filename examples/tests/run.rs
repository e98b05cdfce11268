//! Every example runs and says what its description promises.

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
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("digits 1"));
    let digit = lines.next().unwrap();
    assert!(digit.starts_with("digit: [") && digit.len() == "digit: [0]".len());
    assert_eq!(lines.next(), Some("sure: [1,10]"));
}

#[test]
fn the_model_of_the_tour_runs_on_the_embedded_runner() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_make-models"))
        .arg(folder.path())
        .status();
    assert!(made.unwrap().success());
    let mut run = Command::new(env!("CARGO_BIN_EXE_run-a-model"));
    let output = run.arg(folder.path().join("digits.onnx")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "probabilities: FP32 [1,10]\ndigit: INT64 [1]\n");
}
