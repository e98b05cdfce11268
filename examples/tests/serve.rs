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
    // Who writes to a log that nobody reads would be held up.
    _log: BufReader<ChildStdout>,
    http: String,
    metrics: String,
}

impl Served {
    /// Starts it on free ports. What it logs is what it says.
    fn start(command: &mut Command) -> Self {
        for protocol in ["HTTP", "GRPC", "METRICS"] {
            command.env(format!("NAV_TRITON_CONFIG_{protocol}_PORT"), "0");
        }
        command.env("NAV_TRITON_CONFIG_LOG_FILE", "/dev/stdout");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let ready = log.by_ref().lines().map(Result::unwrap);
        let ready = { ready }.find(|line| line.contains(" ready "));
        let ready = ready.expect("it ended before it was ready");
        let address = |edge: &str| {
            let (_, rest) = ready.split_once(&format!(" {edge}=")).unwrap();
            rest.split(' ').next().unwrap().to_owned()
        };
        Self {
            http: address("http"),
            metrics: address("metrics"),
            child,
            _log: log,
        }
    }

    /// The body of the answer, which must be a good one.
    fn ask(&self, path: &str, body: &str) -> String {
        let length = body.len();
        let rest = format!("Content-Length: {length}\r\n\r\n{body}");
        asked(&self.http, "POST", &format!("/v2/models/{path}"), &rest)
    }

    fn infer(&self, model: &str, inputs: &str) -> String {
        self.ask(
            &format!("{model}/infer"),
            &format!(r#"{{"inputs":[{inputs}]}}"#),
        )
    }

    /// Tells it to stop, which is no failure.
    fn stop(mut self) {
        let process = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &process]).status();
        assert!(told.unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended where everything went well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The body of the answer, which must be a good one.
fn asked(address: &str, method: &str, path: &str, rest: &str) -> String {
    let mut server = TcpStream::connect(address).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
    server.write_all((head + rest).as_bytes()).unwrap();
    let answer = std::io::read_to_string(server).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_package_is_served_as_it_was_measured() {
    let package = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../package-format/tests/data/packages/v1.0.nav"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_serve-a-package"));
    let served = Served::start(command.arg(package));
    let input = r#"{"name":"x","datatype":"FP32","shape":[2,4],"data":[0,0,0,0,1,1,1,1]}"#;
    let answer = served.infer("model", input);
    let output = r#""name":"y","datatype":"FP32","shape":[2,2],"data":[0.0,0.0,"#;
    assert!(answer.contains(output), "{answer}");
    let config = asked(&served.http, "GET", "/v2/models/model/config", "\r\n");
    assert!(config.contains(r#""dynamic_batching":{"#), "{config}");
    served.stop();
}

#[test]
fn a_closure_is_served() {
    let served = Served::start(&mut Command::new(env!("CARGO_BIN_EXE_bind-a-closure")));
    let input = r#"{"name":"number","datatype":"FP32","shape":[2,1],"data":[1.5,4]}"#;
    let answer = served.infer("double", input);
    assert!(answer.contains(r#""data":[3.0,8.0]"#), "{answer}");
    served.stop();
}

#[test]
fn sums_are_computed_once() {
    let served = Served::start(&mut Command::new(env!("CARGO_BIN_EXE_add-sub-cached")));
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
    let metrics = asked(&served.metrics, "GET", "/metrics", "\r\n");
    for (counted, times) in [("num_hits", 2), ("num_misses", 1)] {
        let line =
            format!("nv_cache_{counted}_per_model{{model=\"AddSub\",version=\"1\"}} {times}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    served.stop();
}

#[test]
fn instances_have_states_of_their_own() {
    let served = Served::start(&mut Command::new(env!("CARGO_BIN_EXE_several-instances")));
    let input = r#"{"name":"number","datatype":"INT64","shape":[1],"data":[0]}"#;
    let answer = served.infer("who", input);
    assert!(answer.contains(r#""name":"instance""#), "{answer}");
    assert!(
        answer.contains(r#""name":"asked","datatype":"INT64","shape":[1],"data":[1]"#),
        "{answer}"
    );
    let config = asked(&served.http, "GET", "/v2/models/who/config", "\r\n");
    assert!(config.contains(r#""count":3"#), "{config}");
    served.stop();
}

#[test]
fn a_program_asks_the_server_that_it_runs() {
    let output = Command::new(env!("CARGO_BIN_EXE_in-the-background")).output();
    let output = output.unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(r#""data":[-1.0,-2.0]"#), "{said}");
}

#[test]
fn texts_are_served() {
    let served = Served::start(&mut Command::new(env!("CARGO_BIN_EXE_serve-texts")));
    let input = r#"{"name":"text","datatype":"BYTES","shape":[2,1],"data":["grün","b"]}"#;
    let answer = served.infer("shout", input);
    assert!(answer.contains(r#""data":["GRÜN","B"]"#), "{answer}");
    served.stop();
}

#[test]
fn words_are_streamed() {
    let served = Served::start(&mut Command::new(env!("CARGO_BIN_EXE_stream-words")));
    let answer = served.ask("words/generate_stream", r#"{"text":"one two"}"#);
    let words = [r#""word":"one""#, r#""word":"two""#];
    assert!(words.iter().all(|word| answer.contains(word)), "{answer}");
    served.stop();
}
