//! Every example runs and says what its description promises.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

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

/// A process that is killed in the end.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts an example that serves, on free ports, and gives the address that its first line ends with.
fn served(command: &mut Command) -> (Served, String, String) {
    for edge in ["HTTP", "GRPC", "METRICS"] {
        command.env(format!("NAV_TRITON_CONFIG_{edge}_PORT"), "0");
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    let served = Served(child);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    let (said, address) = line.trim().split_once(" on http://").unwrap();
    (served, said.to_owned(), address.to_owned())
}

/// What comes of asking a model.
fn asked(address: &str, model: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "POST /v2/models/{model}/infer HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_package_is_served_as_it_was_measured() {
    let package = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../package-format/tests/data/packages/v1.0.nav"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve-a-package"));
    let (_served, said, address) = served(command.arg(package));
    assert!(said.contains("on OnnxCPU, as") || said.contains("on TractCPU, chosen"));
    let body =
        r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[2,4],"data":[0,0,0,0,1,1,1,1]}]}"#;
    let answer = asked(&address, "model", body);
    let output = r#""name":"y","datatype":"FP32","shape":[2,2],"data":[0.0,0.0,"#;
    assert!(answer.contains(output), "{answer}");
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
