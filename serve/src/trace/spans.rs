//! Traces as spans for a collector: within the trace of the caller where it says which, with the waiting and the
//! running of the model within the request.

use std::time::{Duration, Instant};

use hyper::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::{Clock, Trace, TraceError, Traced};

/// How long the collector may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The way to a collector.
#[derive(Debug)]
pub(super) struct Spans {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .map(hyper::header::HeaderName::as_str)
            .collect()
    }
}

/// The trace that the caller is in, if it traces this request.
pub(super) fn parent(headers: &HeaderMap) -> Option<Context> {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    let is_traced = context.span().span_context().is_sampled();
    is_traced.then_some(context)
}

impl Spans {
    pub(super) fn new(address: &str) -> Result<Self, TraceError> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(address)
            .build();
        let exporter = exporter.map_err(|error| TraceError::Collector {
            address: address.to_owned(),
            reason: error.to_string(),
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("nav").build())
            .build();
        let tracer = provider.tracer("nav-serve");
        Ok(Self { provider, tracer })
    }

    pub(super) fn record(
        &self,
        trace: &Trace,
        traced: &Traced<'_>,
        (clock, ended): (Clock, Instant),
    ) {
        let parent = trace.parent.clone().unwrap_or_default();
        let version = i64::try_from(traced.version).unwrap_or(i64::MAX);
        let mut attributes = vec![
            KeyValue::new("triton.model_name", traced.model.to_owned()),
            KeyValue::new("triton.model_version", version),
            KeyValue::new("rpc.system", traced.protocol),
        ];
        attributes.extend(
            traced
                .id
                .map(|id| KeyValue::new("triton.request_id", id.to_owned())),
        );
        let mut span = self
            .tracer
            .span_builder("InferRequest")
            .with_kind(SpanKind::Server)
            .with_start_time(clock.at(trace.received))
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent);
        if let Err(why) = traced.outcome {
            span.set_status(Status::error(why.to_owned()));
        }
        let within = parent.with_remote_span_context(span.span_context().clone());
        let part = |name: &'static str, from: Instant, until: Instant| {
            let mut span = self
                .tracer
                .span_builder(name)
                .with_start_time(clock.at(from))
                .start_with_context(&self.tracer, &within);
            span.end_with_timestamp(clock.at(until));
        };
        if let Ok(Some(line)) = traced.outcome {
            part("queue", line.arrived, line.began);
            part("compute", line.began, line.ended);
        }
        span.end_with_timestamp(clock.at(ended));
    }

    pub(super) fn finish(&self) {
        // A collector that is not there has lost them.
        drop(self.provider.shutdown_with_timeout(FAREWELL));
    }
}
