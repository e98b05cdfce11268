//! Servers that speak one protocol only, or speak differently over each.

use std::sync::Arc;
use std::time::Duration;

use nav_serve::{
    AccessPolicy, Credential, Ended, GpuReading, Log, ReadGpus, Server, ServerOptions,
};

use serde_json::json;

use crate::metrics;
use crate::models::engine;
use crate::rpc::Client;
use crate::subject::{Subject, options};

#[test]
fn a_protocol_can_be_left_out() {
    let without = |options: ServerOptions| {
        let server = Server::bind(engine(), &Log::silent(), options).unwrap();
        let addresses = [
            server.http_address().unwrap(),
            server.grpc_address().unwrap(),
            server.metrics_address().unwrap(),
        ];
        let stopper = server.stopper();
        assert_eq!(server.run(|| stopper.stop()).unwrap(), Ended::Drained);
        addresses.map(|it| it.is_some())
    };
    let no_http = ServerOptions {
        http: None,
        ..options()
    };
    assert_eq!(without(no_http), [false, true, true]);
    let only_http = ServerOptions {
        grpc: None,
        metrics: None,
        ..options()
    };
    assert_eq!(without(only_http), [true, false, false]);
}

#[test]
fn each_protocol_has_its_own_rules() {
    let key = Credential {
        header: "key".to_owned(),
        secret: "1234".to_owned(),
    };
    let mut options = options();
    if let Some(grpc) = &mut options.grpc {
        let closed = AccessPolicy::default().restricted("health", &key);
        grpc.access = closed.unwrap();
    }
    let subject = Subject::start(engine(), options);
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    let client = Client::connect(subject.grpc);
    let refused = client.ask("ServerReady", &json!({})).unwrap_err();
    let text = "This API is restricted, expecting header 'key'";
    assert_eq!(refused, (7, text.to_owned()));
}

#[test]
fn a_server_has_the_name_that_it_is_given() {
    let named = ServerOptions {
        name: "mine".to_owned(),
        ..options()
    };
    let subject = Subject::start(engine(), named);
    assert!(subject.get("/v2").text().contains(r#""name":"mine""#));
}

/// A graphics processor that is half busy.
#[derive(Debug)]
struct OneGpu;

impl ReadGpus for OneGpu {
    fn read(&self) -> Vec<GpuReading> {
        vec![GpuReading {
            uuid: "GPU-1".to_owned(),
            utilization: Some(0.5),
            ..GpuReading::default()
        }]
    }
}

#[test]
fn a_server_can_be_ready_before_its_models_and_keep_the_machine_to_itself() {
    let lenient = ServerOptions {
        strict_readiness: false,
        machine_metrics: false,
        gpus: Some(Arc::new(OneGpu)),
        gpus_every: Duration::from_millis(1),
        ..options()
    };
    let engine = engine();
    engine.begin_drain();
    let subject = Subject::start(engine.clone(), lenient);
    assert_eq!(subject.get("/v2/health/ready").status, 200);
    let told = metrics::ask(&subject, "GET /metrics");
    assert!(told.text().contains("nv_inference_count"));
    assert!(!told.text().contains("nv_cpu_utilization"));
    // It looks by itself, so the first scrape may be before that.
    let seen = r#"nv_gpu_utilization{gpu_uuid="GPU-1"} 0.5"#;
    let scrapes = std::iter::repeat_with(|| metrics::ask(&subject, "GET /metrics"));
    assert!(scrapes.take(10_000).any(|told| told.text().contains(seen)));
    let strict = Subject::start(engine, options());
    assert_eq!(strict.get("/v2/health/ready").status, 400);
}
