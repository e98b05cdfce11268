//! Every example runs and says what its description promises.

use std::process::Command;

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
