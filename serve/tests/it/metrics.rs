//! Metrics: the names, labels and types that dashboards know, and numbers that add up.

use std::io::Write;

use crate::limits::{ONE, gated};
use crate::models::engine;
use crate::subject::{PATIENCE, Reply, Subject, connect, options, posted, receive};

pub(crate) fn ask(subject: &Subject, line: &str) -> Reply {
    let mut stream = connect(subject.metrics);
    let wire = format!("{line} HTTP/1.1\r\nHost: t\r\n\r\n");
    stream.write_all(wire.as_bytes()).unwrap();
    receive(&mut stream).unwrap()
}

#[test]
fn requests_are_counted_by_model_and_failures_by_reason() {
    let subject = Subject::start(engine(), options());
    let json = |name: &str| {
        format!(
            r#"{{"inputs":[{{"name":"{name}","shape":[2,2],"datatype":"FP32","data":[1,2,3,4]}}]}}"#
        )
    };
    let good = json("INPUT0");
    for _ in 0..2 {
        let reply = subject.post("/v2/models/cached/infer", &[], good.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_eq!(
        subject
            .post("/v2/models/fails/infer", &[], good.as_bytes())
            .status,
        500
    );
    let reply = ask(&subject, "GET /metrics");
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    for line in [
        "# TYPE nv_inference_request_success counter",
        r#"nv_inference_request_success{model="cached",version="1"} 2"#,
        r#"nv_inference_count{model="cached",version="1"} 2"#,
        r#"nv_inference_exec_count{model="cached",version="1"} 1"#,
        r#"nv_cache_num_hits_per_model{model="cached",version="1"} 1"#,
        r#"nv_cache_num_misses_per_model{model="cached",version="1"} 1"#,
        "nv_cache_num_entries 1",
        r#"nv_inference_request_failure{model="fails",version="1",reason="BACKEND"} 1"#,
        r#"nv_inference_request_failure{model="fails",version="1",reason="REJECTED"} 0"#,
        "# TYPE nv_inference_pending_request_count gauge",
        r#"nv_inference_pending_request_count{model="fails",version="1"} 0"#,
        r#"nav_request_duration_seconds_count{model="cached",version="1"} 2"#,
    ] {
        let mut lines = reply.text().lines();
        assert!(
            lines.any(|found| found == line),
            "`{line}` is not in\n{}",
            reply.text()
        );
    }
}

#[test]
fn labels_are_those_of_models_that_are_served_whatever_clients_ask_for() {
    let subject = Subject::start(engine(), options());
    let series = || {
        let reply = ask(&subject, "GET /metrics");
        let lines = reply.text().lines();
        let names = lines.filter_map(|line| line.rsplit_once(' ')?.0.strip_prefix("nv_inference"));
        names.map(str::to_owned).collect::<Vec<String>>()
    };
    let before = series();
    assert!(!before.is_empty());
    for number in 0..50 {
        let path = format!("/v2/models/nope-{number}/infer");
        assert_eq!(subject.post(&path, &[], b"{}").status, 404);
        let path = format!("/v2/models/cached/versions/{}/infer", number + 2);
        assert_eq!(subject.post(&path, &[], b"{}").status, 404);
        let body = format!(r#"{{"id":"{number}","parameters":{{"p{number}":1}},"inputs":[]}}"#);
        assert_eq!(
            subject
                .post("/v2/models/cached/infer", &[], body.as_bytes())
                .status,
            400
        );
    }
    assert_eq!(series(), before);
}

#[test]
fn metrics_are_told_while_every_instance_is_busy_and_hold_nothing_up() {
    let (engine, entries, go_on) = gated();
    let subject = Subject::start(engine, options());
    let mut running = subject.connect();
    let wire = posted("/v2/models/ident_fp32/infer", &[], ONE);
    running.write_all(&wire).unwrap();
    entries.recv_timeout(PATIENCE).unwrap();
    let mut silent = connect(subject.metrics);
    silent.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let told = ask(&subject, "GET /metrics");
    assert!(told.text().contains("\nnav_requests_in_flight 1\n"));
    go_on.send(()).unwrap();
    assert_eq!(receive(&mut running).unwrap().status, 200);
}

#[test]
fn nothing_else_is_on_that_port() {
    let subject = Subject::start(engine(), options());
    let check = |line: &str, status: u16| {
        let reply = ask(&subject, line);
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{line}");
    };
    check("GET /v2", 200);
    check("POST /metrics", 405);
}
