//! Metrics: the names, labels and types that dashboards know, and numbers that add up.

use std::io::Write;

use crate::models::engine;
use crate::subject::{Reply, Subject, connect, options, receive};

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
fn nothing_else_is_on_that_port() {
    let subject = Subject::start(engine(), options());
    let check = |line: &str, status: u16| {
        let reply = ask(&subject, line);
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{line}");
    };
    check("GET /v2", 200);
    check("POST /metrics", 405);
}
