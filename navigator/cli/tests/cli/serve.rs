//! `nav serve` as a process: what it says, what it answers, how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::nav::Place;

/// A server that is killed when a test fails.
pub(crate) struct Served {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Served {
    pub(crate) fn start(place: &Place, arguments: &[&str]) -> Self {
        Self::from(Self::command(place, arguments))
    }

    /// The command for it, not yet run.
    pub(crate) fn command(place: &Place, arguments: &[&str]) -> Command {
        let ports = [
            "--http-port",
            "0",
            "--grpc-port",
            "0",
            "--metrics-port",
            "0",
        ];
        let always = [&["serve"][..], &ports].concat();
        place.command(&[&always, arguments].concat())
    }

    pub(crate) fn from(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// The next line that holds this.
    pub(crate) fn says(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let read = self.said.read_line(&mut line).unwrap();
            assert!(read > 0, "`{text}` is not in {all}");
            if line.contains(text) {
                return line;
            }
            all.push_str(&line);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How many ticks its threads were on a processor.
    pub(crate) fn busy(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || fields.next().unwrap().parse::<u64>().unwrap();
        next() + next()
    }

    pub(crate) fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The answer to one request.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn infer(address: &str) -> String {
    let body = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,-2]}]}"#;
    let length = body.len();
    let head = format!(
        "POST /v2/models/twice/infer HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    ask(address, &format!("{head}{body}"))
}

#[test]
fn a_model_is_served_until_it_is_told_to_stop() {
    if !cfg!(feature = "tract") {
        return;
    }
    let place = Place::new();
    place.doubling_model();
    let mut served = Served::start(
        &place,
        &[
            "double.onnx",
            "--model-name",
            "twice",
            "--max-batch",
            "4",
            "--ready-file",
            "ready",
            "--log-format",
            "json",
        ],
    );
    served.says(r#""event":"loaded""#);
    let ready = served.says(r#""event":"ready""#);
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let address = ready["http"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let file = std::fs::read_to_string(place.path("ready")).unwrap();
    assert!(
        file.starts_with(&format!("http http://{address}\n")),
        "{file}"
    );
    let grpc = ready["grpc"].as_str().unwrap();
    assert!(file.contains(&format!("\ngrpc {grpc}\n")), "{file}");
    let mut stream = TcpStream::connect(grpc).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    // The first frame of a server says its settings.
    assert_eq!(head[3], 4);
    let answer = infer(&address);
    assert!(
        answer.ends_with(r#""shape":[1,2],"data":[2.0,-4.0]}]}"#),
        "{answer}"
    );
    let metrics = ready["metrics"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    let counted = ask(metrics, request);
    let line = r#"nv_inference_request_success{model="twice",version="1"} 1"#;
    assert!(counted.contains(line), "{counted}");
    served.signal(Signal::TERM);
    served.says(r#""event":"stopped""#);
    assert_eq!(served.code(), Some(0));
    assert!(!place.path("ready").exists());
}

#[test]
fn what_cannot_be_served_is_said_before_anything_is_bound() {
    let place = Place::new();
    place
        .nav(&["serve", "nothing.onnx"])
        .expect(1, &["cannot serve nothing.onnx"]);
    place.write("a/one.onnx", b"");
    place.write("b/one.onnx", b"");
    place
        .nav(&["serve", "a/one.onnx", "b/one.onnx"])
        .expect(2, &["would both be served as `one`"]);
    std::fs::create_dir(place.path("empty")).unwrap();
    place
        .nav(&["serve", "empty"])
        .expect(1, &["holds no packages and no models"]);
}

/// A change of a model, by a client who may.
fn change(address: &str, what: &str, model: &str) -> String {
    let head = format!(
        "POST /v2/repository/models/{model}/{what} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    ask(address, &head)
}

#[test]
fn a_repository_is_served_and_controlled() {
    let place = Place::new();
    let tensor = |name: &str| format!("{{ name: '{name}' data_type: TYPE_FP32 dims: [ -1 ] }}");
    let config = |backend: &str| {
        format!(
            "backend: '{backend}' max_batch_size: 2 input [ {} ] output [ {} ]",
            tensor("x"),
            tensor("y")
        )
    };
    for (name, backend) in [
        ("twice", "identity"),
        ("later", "identity"),
        ("bad", "none"),
    ] {
        std::fs::create_dir_all(place.path("models").join(name).join("1")).unwrap();
        place.write(
            &format!("models/{name}/config.pbtxt"),
            config(backend).as_bytes(),
        );
    }
    place
        .nav(&["serve", "models", "--load-model", "twice"])
        .expect(2, &["--load-model is for --model-control-mode explicit"]);
    let explicit = ["models", "--model-control-mode", "explicit"];
    let arguments = |more: &[&'static str]| [&explicit[..], more].concat();
    place
        .nav(&[&["serve"], &arguments(&["--load-model", "nope"])[..]].concat())
        .expect(2, &["there is no model `nope` to load"]);
    let more = [
        "--load-model",
        "twice",
        "--load-model",
        "bad",
        "--allow-management",
        "--log-format",
        "json",
    ];
    let mut served = Served::start(&place, &arguments(&more));
    let why = served.says(r#""event":"not loaded""#);
    assert!(why.contains("there is no backend `none`"), "{why}");
    let ready = served.says(r#""event":"ready""#);
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready["models"], "1");
    let address = ready["http"].as_str().unwrap();
    let address = address.strip_prefix("http://").unwrap();
    let get = |path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
        ask(address, &head)
    };
    assert!(get("/v2/health/ready").starts_with("HTTP/1.1 400"));
    assert!(get("/v2/models/later/ready").starts_with("HTTP/1.1 400"));
    let loaded = change(address, "load", "later");
    assert!(loaded.starts_with("HTTP/1.1 200"), "{loaded}");
    assert!(get("/v2/models/later/ready").starts_with("HTTP/1.1 200"));
    let refused = change(address, "load", "bad");
    assert!(refused.contains("there is no backend `none`"), "{refused}");
    for model in ["bad", "later"] {
        let unloaded = change(address, "unload", model);
        assert!(unloaded.starts_with("HTTP/1.1 200"), "{unloaded}");
    }
    assert!(get("/v2/health/ready").starts_with("HTTP/1.1 200"));
    let answer = infer(address);
    assert!(
        answer.ends_with(r#""shape":[1,2],"data":[1.0,-2.0]}]}"#),
        "{answer}"
    );
    served.signal(Signal::TERM);
    assert_eq!(served.code(), Some(0));
}

/// The files and folders of requests that servers have, or had.
fn brought(place: &Place) -> Vec<std::path::PathBuf> {
    let servers = place.path("cache/uploads").read_dir();
    let servers = servers.into_iter().flatten().map(|it| it.unwrap().path());
    let all = servers.flat_map(|server| server.read_dir().unwrap());
    let paths = all.map(|it| it.unwrap().path());
    paths.filter(|path| !path.ends_with("lock")).collect()
}

#[test]
fn what_a_killed_server_left_is_gone_after_the_next_start() {
    let place = Place::new();
    std::fs::create_dir(place.path("models")).unwrap();
    let arguments = [
        "models",
        "--model-control-mode",
        "explicit",
        "--allow-management",
        "--log-format",
        "json",
    ];
    let mut served = Served::start(&place, &arguments);
    let ready: serde_json::Value = serde_json::from_str(&served.says("ready")).unwrap();
    let address = ready["http"].as_str().unwrap();
    let address = address.strip_prefix("http://").unwrap();
    let tensor =
        |name: &str| format!(r#"{{"name":"{name}","data_type":"TYPE_FP32","dims":["2"]}}"#);
    let config = format!(
        r#"{{"backend":"identity","input":[{}],"output":[{}]}}"#,
        tensor("x"),
        tensor("y")
    );
    let body = serde_json::json!({ "parameters": { "config": config, "file:1/any": "AAAA" } });
    let body = body.to_string();
    let loaded = ask(
        address,
        &format!(
            "POST /v2/repository/models/sent/load HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    assert!(loaded.starts_with("HTTP/1.1 200"), "{loaded}");
    assert_eq!(brought(&place).len(), 1);
    served.signal(Signal::KILL);
    assert_eq!(served.code(), None);
    let left = brought(&place);
    assert_eq!(left.len(), 1, "nobody was there to take it away");
    let mut next = Served::start(&place, &arguments);
    next.says("ready");
    assert_eq!(brought(&place), Vec::<std::path::PathBuf>::new());
    next.signal(Signal::TERM);
    assert_eq!(next.code(), Some(0));
    let servers = place.path("cache/uploads").read_dir().unwrap();
    assert_eq!(servers.count(), 0);
}

#[test]
fn a_package_is_served_as_its_choice_was_measured() {
    if !cfg!(feature = "tract") {
        return;
    }
    let place = Place::new();
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../package-format/tests/data/packages/v1.0.nav"
    );
    place.write("line.nav", &std::fs::read(sample).unwrap());
    let check = |arguments: &[&str], note: &str, max_batch: &str| {
        let all = [&["line.nav", "--log-format", "json"], arguments].concat();
        let mut served = Served::start(&place, &all);
        if !note.is_empty() {
            served.says(note);
        }
        let loaded = served.says(r#""event":"loaded""#);
        let loaded: serde_json::Value = serde_json::from_str(&loaded).unwrap();
        assert_eq!(
            (&loaded["runner"], &loaded["max_batch"]),
            (&"TractCPU".into(), &max_batch.into()),
            "{arguments:?}"
        );
        // Before that, a signal ends it as it ends any program.
        served.says(r#""event":"ready""#);
        served.signal(Signal::TERM);
        assert_eq!(served.code(), Some(0));
    };
    // What the package would have served needs ONNX Runtime, which is not here.
    check(&[], "not as the package says: onnx-all-2 on OnnxCPU", "8");
    check(&["--strategy", "max-throughput"], "", "8");
    check(&["--latency-budget", "0.5ms"], "", "1");
    check(&["--latency-budget", "0.5ms", "--max-batch", "4"], "", "4");
}

/// What a part of sequence 7 gets over a connection: the status, or nothing where it is closed.
fn part(stream: &mut TcpStream, start: bool) -> String {
    let body = format!(
        r#"{{"parameters":{{"sequence_id":7,"sequence_start":{start}}},"inputs":[{{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}}]}}"#
    );
    let head = "POST /v2/models/told/infer HTTP/1.1\r\nHost: t\r\nContent-Length:";
    write!(stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer.to_vec()).unwrap()
}

#[test]
fn whose_sequences_are_can_be_said_wherever_an_option_can() {
    let place = Place::new();
    let tensor = |name: &str| format!("{{ name: '{name}' data_type: TYPE_FP32 dims: [ -1 ] }}");
    let config = format!(
        "backend: 'identity' max_batch_size: 2 sequence_batching {{ }} input [ {} ] output [ {} ]",
        tensor("x"),
        tensor("y")
    );
    std::fs::create_dir_all(place.path("models/told/1")).unwrap();
    place.write("models/told/config.pbtxt", config.as_bytes());
    place.write("own.toml", b"[serve]\nsequence-ids = \"connection\"\n");
    let variable = [("NAV_SERVE_SEQUENCE_IDS", "connection")];
    let file = [("NAV_CONFIG", "own.toml")];
    let check = |variables: &[(&str, &str)], arguments: &[&str], expected: &str| {
        let arguments = [&["models", "--log-format", "json"], arguments].concat();
        let mut command = Served::command(&place, &arguments);
        command.envs(variables.iter().copied());
        let mut served = Served::from(command);
        let ready: serde_json::Value =
            serde_json::from_str(&served.says(r#""event":"ready""#)).unwrap();
        let address = ready["http"].as_str().unwrap();
        let connect = || {
            let stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
            let patience = Some(Duration::from_secs(20));
            stream.set_read_timeout(patience).unwrap();
            stream
        };
        let (mut one, mut other) = (connect(), connect());
        assert_eq!(part(&mut one, true), "HTTP/1.1 200");
        assert_eq!(
            part(&mut other, false),
            expected,
            "{variables:?} {arguments:?}"
        );
    };
    let (everybody, nobody) = ("HTTP/1.1 200", "HTTP/1.1 400");
    check(&[], &[], everybody);
    check(&[], &["--sequence-ids", "connection"], nobody);
    check(&variable, &[], nobody);
    check(&file, &[], nobody);
    check(&file, &["--sequence-ids", "server"], everybody);
    let mut wrong = Served::command(&place, &["models"]);
    wrong.env("NAV_SERVE_SEQUENCE_IDS", "nobody");
    let ended = crate::nav::Ended::of(&wrong.output().unwrap());
    ended.expect(2, &["nobody", "NAV_SERVE_SEQUENCE_IDS"]);
}
