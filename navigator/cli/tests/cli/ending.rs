//! How `nav serve` ends while ONNX Runtime is in the middle of something.

use std::io::Write;
use std::net::TcpStream;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use rustix::process::Signal;

use crate::nav::{Place, listing, onnxruntime};
use crate::serve::Served;

/// How often it is tried: what ends in the middle of something does so at another moment each time.
const ROUNDS: u64 = 20;

/// A model that works for minutes on a request, with every thread there is.
fn write_endless(place: &Place) {
    const SIDE: i64 = 1024;
    let shape = dims("1,1");
    let mut graph = GraphProto::named("endless")
        .takes("x", DType::Fp32, &shape)
        .holds(tensor("wide", &[2], &[SIDE, SIDE]))
        .with(node("Expand", &["x", "wide"], &["m0"]));
    for step in 0..2000 {
        let (from, to) = (format!("m{step}"), format!("m{}", step + 1));
        graph = graph.with(node("MatMul", &[&from, "m0"], &[&to]));
    }
    let sum = node("ReduceMax", &["m2000"], &["y"]).with(int("keepdims", 1));
    let model = graph.with(sum).gives("y", DType::Fp32, &shape).into_model();
    place.write("endless.onnx", &model.to_bytes());
}

#[test]
fn told_twice_it_ends_in_the_middle_of_a_run_and_leaves_nothing() {
    let Some(library) = onnxruntime() else {
        return;
    };
    let place = Place::new();
    write_endless(&place);
    let arguments = "endless.onnx --log-format json --ready-file ready";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let arguments = [&arguments[..], &["--library", &library]].concat();
    for round in 0..ROUNDS {
        let mut command = Served::command(&place, &arguments);
        // The loader notes in a file what it takes down.
        let noted = place.path(&format!("loader-{round}"));
        command
            .env("LD_DEBUG", "files")
            .env("LD_DEBUG_OUTPUT", &noted);
        let mut served = Served::from(command);
        let loaded = served.says(r#""event":"loaded""#);
        assert!(loaded.contains(r#""runner":"OnnxCPU""#), "{loaded}");
        let ready: serde_json::Value =
            serde_json::from_str(&served.says(r#""event":"ready""#)).unwrap();
        let address = ready["http"].as_str().unwrap();
        let mut asking = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
        let body = r#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"data":[0.001]}]}"#;
        let length = body.len();
        let head = "POST /v2/models/endless/infer HTTP/1.1\r\nHost: t\r\nContent-Length:";
        let idle = served.busy();
        write!(asking, "{head} {length}\r\n\r\n{body}").unwrap();
        while served.busy() < idle + 20 + round {
            std::thread::yield_now();
        }
        served.signal(Signal::TERM);
        served.signal(Signal::INT);
        let said = served.says("ended at once, as it was told twice to stop");
        assert!(said.starts_with("error: "), "{said}");
        assert_eq!(served.code(), Some(1), "round {round}");
        let noted = noted.with_extension(served.id().to_string());
        let noted = std::fs::read_to_string(noted).unwrap();
        let about = |what: &str| {
            let mut lines = noted.lines().filter(|line| line.contains("libonnxruntime"));
            lines.any(|line| line.contains(what))
        };
        assert!(about("calling init"), "{noted}");
        assert!(!about("calling fini"), "it was taken down beneath a run");
        assert!(!place.path("ready").exists());
        assert_eq!(listing(&place.path("cache/uploads")), [""; 0]);
    }
}
