//! Examples that serve: asked over HTTP as their users would, then told to stop as a system would.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// An example that runs until it is told to stop.
struct Served {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Served {
    fn start(program: &str) -> Self {
        let mut command = Command::new(program);
        for protocol in ["HTTP", "GRPC", "METRICS"] {
            command.env(format!("NAV_TRITON_CONFIG_{protocol}_PORT"), "0");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        said.read_line(&mut address).unwrap();
        Self {
            child,
            said,
            address: address.trim().to_owned(),
        }
    }

    /// The body of the answer, which must be a good one.
    fn ask(&self, path: &str, body: &str) -> String {
        let mut server = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        let head = format!("POST /v2/models/{path} HTTP/1.1\r\nHost: t\r\nConnection: close");
        write!(server, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        server.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    fn infer(&self, model: &str, inputs: &str) -> String {
        self.ask(
            &format!("{model}/infer"),
            &format!(r#"{{"inputs":[{inputs}]}}"#),
        )
    }

    /// Tells it to stop; what it says in the end.
    fn stop(mut self) -> String {
        let process = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
        assert!(self.child.wait().unwrap().success());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended where everything went well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_closure_is_served() {
    let served = Served::start(env!("CARGO_BIN_EXE_bind-a-closure"));
    let input = r#"{"name":"number","datatype":"FP32","shape":[2,1],"data":[1.5,4]}"#;
    let answer = served.infer("double", input);
    assert!(answer.contains(r#""data":[3.0,8.0]"#), "{answer}");
    assert_eq!(served.stop(), "");
}

#[test]
fn sums_are_computed_once() {
    let served = Served::start(env!("CARGO_BIN_EXE_add-sub-cached"));
    let input = |name: &str, data: &str| {
        format!(r#"{{"name":"{name}","datatype":"INT32","shape":[1,2],"data":{data}}}"#)
    };
    let inputs = format!(
        "{},{}",
        input("INPUT_1", "[5,7]"),
        input("INPUT_2", "[2,9]")
    );
    for _ in 0..3 {
        let answer = served.infer("AddSub", &inputs);
        assert!(answer.contains(r#""data":[7,16]"#), "{answer}");
        assert!(answer.contains(r#""data":[3,-2]"#), "{answer}");
    }
    assert_eq!(served.stop(), "computed 1 times\n");
}

#[test]
fn instances_have_states_of_their_own() {
    let served = Served::start(env!("CARGO_BIN_EXE_several-instances"));
    let input = r#"{"name":"number","datatype":"INT64","shape":[1],"data":[0]}"#;
    let answer = served.infer("who", input);
    assert!(answer.contains(r#""name":"instance""#), "{answer}");
    assert!(
        answer.contains(r#""name":"asked","datatype":"INT64","shape":[1],"data":[1]"#),
        "{answer}"
    );
    served.stop();
}

#[test]
fn a_program_asks_the_server_that_it_runs() {
    let output = Command::new(env!("CARGO_BIN_EXE_in-the-background")).output();
    let output = output.unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(r#""data":[-1.0,-2.0,-3.0]"#), "{said}");
}

#[test]
fn texts_are_served() {
    let served = Served::start(env!("CARGO_BIN_EXE_serve-texts"));
    let input = r#"{"name":"text","datatype":"BYTES","shape":[2,1],"data":["grün","b"]}"#;
    let answer = served.infer("shout", input);
    assert!(answer.contains(r#""data":["GRÜN","B"]"#), "{answer}");
    served.stop();
}

#[test]
fn words_are_streamed() {
    let served = Served::start(env!("CARGO_BIN_EXE_stream-words"));
    let answer = served.ask("words/generate_stream", r#"{"text":"one two"}"#);
    let words = [r#""word":"one""#, r#""word":"two""#];
    assert!(words.iter().all(|word| answer.contains(word)), "{answer}");
    served.stop();
}
