//! How a server is set up: every field that PyTriton's configuration has, and what it does here.

use std::path::PathBuf;

use super::error::ConfigError;
use super::field::{Effect, Field, PREFIXES, one, several};
use super::value::{Compression, ModelControl, Value};
use crate::environment::Environment;

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident $value:ty, $effect:expr, $example:literal;)*) => {
        /// How a server is set up. What is not set here may be set by the environment, `NAV_TRITON_CONFIG_<FIELD>` before
        /// `PYTRITON_TRITON_CONFIG_<FIELD>`; lists by `<FIELD>_0`, `<FIELD>_1` and so on.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct TritonConfig {
            $($(#[doc = $doc])+ pub $name: fields!(@type $kind $value),)*
        }

        impl TritonConfig {
            /// All fields.
            pub const FIELDS: &'static [Field] = &[
                $(Field {
                    name: stringify!($name),
                    effect: $effect,
                    example: $example,
                    is_list: fields!(@is_list $kind),
                    get: |config| fields!(@get $kind config.$name),
                    fill: |config, environment| {
                        fields!(@fill $kind config.$name, stringify!($name), environment);
                        Ok(())
                    },
                },)*
            ];
        }
    };
    (@type one $value:ty) => { Option<$value> };
    (@type several $value:ty) => { Vec<$value> };
    (@is_list one) => { false };
    (@is_list several) => { true };
    (@get one $place:expr) => { $place.as_ref().map(|value| vec![value.text()]) };
    (@get several $place:expr) => {
        (!$place.is_empty()).then(|| $place.iter().map(Value::text).collect())
    };
    (@fill one $place:expr, $name:expr, $environment:expr) => {
        if $place.is_none() {
            $place = one($name, $environment)?;
        }
    };
    (@fill several $place:expr, $name:expr, $environment:expr) => {
        if $place.is_empty() {
            $place = several($name, $environment)?.unwrap_or_default();
        }
    };
}

use Effect::{Honoured, Nothing, Refused};

/// Fields of HTTP/2 that are decided here.
const KEEPALIVE: Effect =
    Nothing("connections are asked for a sign of life, and end, as the server decides");
const SAGEMAKER: Effect = Nothing("there is no SageMaker endpoint");
const VERTEX: Effect = Nothing("there is no Vertex AI endpoint");

fields! {
    /// A folder of models, or several with commas between them, served beside those that are bound.
    model_repository: one PathBuf, Honoured, "/models";
    /// How models of the repository come and go. This field is our own.
    model_control_mode: one ModelControl, Honoured, "explicit";
    /// How often the files of the repository are looked at, in seconds, where that is how they come and go. This field is
    /// our own.
    repository_poll_secs: one u32, Honoured, "30";
    /// What clients are told that the server is called.
    id: one String, Honoured, "mine";
    /// How much more is logged; 1 for a line for each request.
    log_verbose: one u32, Honoured, "1";
    /// The file that is logged to.
    log_file: one PathBuf, Honoured, "/tmp/nav.log";
    /// How long requests may take to end when the server stops, in seconds.
    exit_timeout_secs: one u32, Honoured, "5";
    /// Whether a model that cannot be loaded at the start keeps the server from starting. Default: true.
    exit_on_error: one bool, Honoured, "false";
    /// Whether the server is ready only while all models are. Default: true.
    strict_readiness: one bool, Honoured, "false";
    /// Whether it answers over HTTP. Default: true.
    allow_http: one bool, Honoured, "false";
    /// The address for HTTP. Default: 127.0.0.1, which only this machine reaches.
    http_address: one String, Honoured, "0.0.0.0";
    /// The port for HTTP; 0 for any that is free. Default: 8000.
    http_port: one u16, Honoured, "0";
    /// Which headers of HTTP travel on to models as parameters: those whose names in lower case hold what this regular
    /// expression matches.
    http_header_forward_pattern: one String, Honoured, "^x-tenant$";
    /// How many threads serve sockets, of all protocols.
    http_thread_count: one u32, Honoured, "3";
    /// What is needed for parts of the server over HTTP: `part,part:header=value`.
    http_restricted_api: several String, Honoured, "inference:key=1234";
    /// Whether it answers over gRPC. Default: true.
    allow_grpc: one bool, Honoured, "false";
    /// The address for gRPC. Default: 127.0.0.1, which only this machine reaches.
    grpc_address: one String, Honoured, "0.0.0.0";
    /// The port for gRPC; 0 for any that is free. Default: 8001.
    grpc_port: one u16, Honoured, "0";
    /// Which metadata of gRPC travels on to models as parameters.
    grpc_header_forward_pattern: one String, Honoured, "^x-tenant$";
    /// How many requests are kept to be used again.
    grpc_infer_allocation_pool_size: one u32, Nothing("requests are not pooled"), "8";
    /// Whether gRPC is encrypted.
    grpc_use_ssl: one bool, Honoured, "true";
    /// Whether clients of gRPC must have a certificate, too.
    grpc_use_ssl_mutual: one bool, Honoured, "true";
    /// The certificate of the server.
    grpc_server_cert: one PathBuf, Honoured, "/server.pem";
    /// The key of the server.
    grpc_server_key: one PathBuf, Honoured, "/server.key";
    /// Who signs the certificates of clients.
    grpc_root_cert: one PathBuf, Honoured, "/clients.pem";
    /// How much answers over gRPC are compressed, where clients take that.
    grpc_infer_response_compression_level: one Compression, Honoured, "high";
    /// How often a connection is asked for a sign of life, in milliseconds.
    grpc_keepalive_time: one u64, KEEPALIVE, "7200000";
    /// How long a sign of life may take, in milliseconds.
    grpc_keepalive_timeout: one u64, KEEPALIVE, "20000";
    /// Whether connections without requests are asked for a sign of life.
    grpc_keepalive_permit_without_calls: one bool, KEEPALIVE, "true";
    /// How many signs of life may be asked for without data.
    grpc_http2_max_pings_without_data: one i32, KEEPALIVE, "2";
    /// How often a client may ask for a sign of life, in milliseconds.
    grpc_http2_min_recv_ping_interval_without_data: one i32, KEEPALIVE, "300000";
    /// How often a client may ask too often.
    grpc_http2_max_ping_strikes: one i32, KEEPALIVE, "2";
    /// What is needed for parts of the server over gRPC: `part,part:key=value`; clients send the key with
    /// `triton-grpc-protocol-` before it.
    grpc_restricted_protocol: several String, Honoured, "inference:key=1234";
    /// Whether there are metrics. Default: true.
    allow_metrics: one bool, Honoured, "false";
    /// Whether metrics tell of graphics processors, where there are some. Default: true.
    allow_gpu_metrics: one bool, Honoured, "false";
    /// Whether metrics tell of the machine. Default: true.
    allow_cpu_metrics: one bool, Honoured, "false";
    /// How often graphics processors are looked at for metrics, in milliseconds; all others are as they are when they are asked for.
    /// Default: 2000.
    metrics_interval_ms: one u64, Honoured, "1000";
    /// The port for metrics; 0 for any that is free. Default: 8002.
    metrics_port: one u16, Honoured, "0";
    /// The address for metrics. Default: that of HTTP.
    metrics_address: one String, Honoured, "0.0.0.0";
    /// Whether there is an endpoint for SageMaker.
    allow_sagemaker: one bool, Refused("there is no SageMaker endpoint"), "true";
    /// The port for SageMaker.
    sagemaker_port: one u16, SAGEMAKER, "8080";
    /// The ports that SageMaker may choose from.
    sagemaker_safe_port_range: one String, SAGEMAKER, "8080-8090";
    /// How many threads answer SageMaker.
    sagemaker_thread_count: one u32, SAGEMAKER, "8";
    /// Whether there is an endpoint for Vertex AI.
    allow_vertex_ai: one bool, Refused("there is no Vertex AI endpoint"), "true";
    /// The port for Vertex AI.
    vertex_ai_port: one u16, VERTEX, "8080";
    /// How many threads answer Vertex AI.
    vertex_ai_thread_count: one u32, VERTEX, "8";
    /// The model that answers Vertex AI.
    vertex_ai_default_model: one String, VERTEX, "m";
    /// What metrics there are.
    metrics_config: several String, Nothing("metrics are those that there are"), "summary_latencies=true";
    /// What is traced, and where it goes: `mode=opentelemetry`, `level=TIMESTAMPS`, `rate=1`, `count=100`,
    /// `triton,file=PATH`, `triton,log-frequency=10`, `opentelemetry,url=http://localhost:4317`.
    trace_config: several String, Honoured, "rate=1";
    /// The cache: `local,size=BYTES`.
    cache_config: several String, Honoured, "local,size=1048576";
    /// How many bytes responses may take that are kept; the same as `cache_config` says with `local,size`.
    response_cache_byte_size: one u64, Honoured, "1048576";
    /// Where caches are looked for.
    cache_directory: one PathBuf, Nothing("the cache is part of the server"), "/caches";
    /// How many threads copy buffers.
    buffer_manager_thread_count: one u32, Nothing("buffers are not copied"), "2";
}

impl TritonConfig {
    /// The same, with what is not set taken from the environment.
    pub fn with_environment(mut self, environment: &Environment) -> Result<Self, ConfigError> {
        for field in Self::FIELDS {
            (field.fill)(&mut self, environment)?;
        }
        Ok(self)
    }

    /// Variables of the environment that are for no field.
    pub(super) fn unknown(environment: &Environment) -> Vec<String> {
        let is_known = |rest: &str| {
            let rest = rest.to_ascii_lowercase();
            Self::FIELDS.iter().any(|field| {
                let index = rest.strip_prefix(field.name);
                match index {
                    Some("") => !field.is_list,
                    Some(index) => {
                        let number = index.strip_prefix('_').map(str::parse::<usize>);
                        field.is_list && matches!(number, Some(Ok(_)))
                    }
                    None => false,
                }
            })
        };
        let names = PREFIXES.iter().flat_map(|prefix| {
            let names = environment.names(prefix);
            names.filter(move |name| !name.strip_prefix(prefix).is_some_and(is_known))
        });
        names.map(str::to_owned).collect()
    }
}
