//! Traces: what a file holds, and what a collector is sent.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nav_serve::{ServerOptions, TraceOptions, TraceSettings};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::models::engine;
use crate::subject::{PATIENCE, Subject, options};

const BODY: &str =
    r#"{"id":"mine","inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;
const PATH: &str = "/v2/models/ident_fp32/infer";

fn traced(trace: TraceOptions) -> ServerOptions {
    ServerOptions { trace, ..options() }
}

/// All requests are traced.
fn all() -> TraceSettings {
    TraceSettings {
        timestamps: true,
        rate: 1,
        ..TraceSettings::default()
    }
}

#[test]
fn a_file_tells_the_times_of_those_requests_whose_turn_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let settings = TraceSettings { rate: 2, ..all() };
    let subject = Subject::start(
        engine(),
        traced(TraceOptions {
            file: Some(file.clone()),
            collector: None,
            settings,
        }),
    );
    for _ in 0..4 {
        assert_eq!(subject.post(PATH, &[], BODY.as_bytes()).status, 200);
    }
    let told = subject.get("/v2/trace/setting");
    assert_eq!(
        told.text(),
        r#"{"trace_level":["TIMESTAMPS"],"trace_rate":"2","trace_count":"-1","log_frequency":"0","trace_file":"trace.json","trace_mode":"triton"}"#
    );
    subject.end();
    let text = std::fs::read_to_string(&file).unwrap();
    let traces: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(traces.len(), 4, "{text}");
    assert_eq!(traces[0]["model_name"], "ident_fp32");
    assert_eq!(traces[0]["request_id"], "mine");
    let times = traces[1]["timestamps"].as_array().unwrap();
    let names: Vec<&str> = times
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.first(), Some(&"HTTP_RECV_START"));
    assert!(names.contains(&"COMPUTE_START"), "{names:?}");
    let of: Vec<u64> = times.iter().map(|it| it["ns"].as_u64().unwrap()).collect();
    assert!(of.is_sorted(), "{times:?}");
}

#[test]
fn clients_change_what_is_traced_and_nothing_else() {
    let subject = Subject::start(engine(), options());
    let check = |body: &str, status, text: &str| {
        let reply = subject.post("/v2/trace/setting", &[], body.as_bytes());
        assert_eq!((reply.status, reply.text()), (status, text), "{body}");
    };
    check(
        r#"{"trace_rate":"7","trace_count":null}"#,
        200,
        r#"{"trace_level":["OFF"],"trace_rate":"7","trace_count":"-1","log_frequency":"0","trace_file":"","trace_mode":"triton"}"#,
    );
    check(
        r#"{"trace_level":["TIMESTAMPS"]}"#,
        400,
        r#"{"error":"traces go nowhere: the server was started without a file or an address for them"}"#,
    );
    let of_model = subject.get("/v2/models/ident_fp32/trace/setting");
    assert!(
        of_model.text().contains(r#""trace_rate":"7""#),
        "{}",
        of_model.text()
    );
    assert_eq!(subject.get("/v2/models/nothing/trace/setting").status, 404);
}

/// A collector that takes everything, and where it listens.
fn collector() -> (SocketAddr, Receiver<Vec<u8>>) {
    let (sender, taken) = channel();
    let (bound, address) = channel();
    let collect = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request| take(request, sender.clone()));
                let connection = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
    };
    let thread = std::thread::Builder::new().name("collector".to_owned());
    thread.spawn(collect).unwrap();
    (address.recv_timeout(PATIENCE).unwrap(), taken)
}

async fn take(
    request: Request<Incoming>,
    sender: std::sync::mpsc::Sender<Vec<u8>>,
) -> Result<Response<String>, Infallible> {
    let mut body = request.into_body();
    let mut whole = Vec::new();
    let mut next = async || {
        use http_body::Body;
        let mut body = std::pin::pin!(&mut body);
        std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    };
    while let Some(frame) = next().await {
        if let Ok(data) = frame.unwrap().into_data() {
            whole.extend_from_slice(&data);
        }
    }
    // The test may have seen enough.
    sender.send(whole).ok();
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "0")
        .body(String::new());
    Ok(response.unwrap())
}

#[test]
fn a_collector_is_sent_the_request_within_the_trace_of_its_caller() {
    let (address, taken) = collector();
    let settings = TraceSettings { rate: 0, ..all() };
    let subject = Subject::start(
        engine(),
        traced(TraceOptions {
            file: None,
            collector: Some(format!("http://{address}")),
            settings,
        }),
    );
    let context = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(subject.post(PATH, &[context], BODY.as_bytes()).status, 200);
    assert_eq!(subject.post(PATH, &[], BODY.as_bytes()).status, 200);
    subject.end();
    let message = taken.recv_timeout(PATIENCE).unwrap();
    // Behind whether it is compressed and how long it is.
    let sent = ExportTraceServiceRequest::decode(&message[5..]).unwrap();
    let spans: Vec<&Span> = sent
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let request = named("InferRequest");
    assert_eq!(spans.len(), 3, "{spans:?}");
    assert_eq!(request.trace_id[..2], [0x0a, 0xf7]);
    assert_eq!(request.parent_span_id[..2], [0xb7, 0xad]);
    let compute = named("compute");
    assert_eq!(compute.parent_span_id, request.span_id);
    assert!(compute.start_time_unix_nano >= request.start_time_unix_nano);
    assert!(compute.end_time_unix_nano <= request.end_time_unix_nano);
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    let subject = Subject::start(
        engine(),
        traced(TraceOptions {
            file: None,
            collector: Some("http://127.0.0.1:1".to_owned()),
            settings: all(),
        }),
    );
    for _ in 0..100 {
        assert_eq!(subject.post(PATH, &[], BODY.as_bytes()).status, 200);
    }
    subject.end();
}
