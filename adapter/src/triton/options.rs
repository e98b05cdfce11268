//! From a configuration to what the server and the engine are told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use nav_engine::{EngineOptions, with_causes};
use nav_serve::{
    AccessPolicy, Coding, Control, Endpoint, HeaderPattern, RepositoryOptions, ServerOptions,
    Source, TlsOptions,
};

use super::access::with_rules;
use super::cache_config::cache_bytes;
use super::config::TritonConfig;
use super::error::ConfigError;
use super::field::Effect;
use super::trace_config::trace_options;
use super::value::{Compression, ModelControl};
use crate::gpus::gpus;

/// What a configuration comes to.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) server: ServerOptions,
    pub(super) engine: EngineOptions,
    /// Where models come from beside those that are bound.
    pub(super) repository: Option<RepositoryOptions>,
    /// Whether a model that cannot be loaded keeps the server from starting.
    pub(super) exits_on_error: bool,
    /// What was asked for and is not done, and why.
    pub(super) unhonoured: Vec<(String, String)>,
}

/// What the server and the engine are told.
pub(super) fn settled(
    config: &TritonConfig,
    policy: &AccessPolicy,
) -> Result<Settled, ConfigError> {
    let unhonoured = refused(config)?;
    let has_http = config.allow_http.unwrap_or(true);
    let has_grpc = config.allow_grpc.unwrap_or(true);
    if !has_http && !has_grpc {
        let reason = "it is off, and so is `allow_grpc`: nobody could ask the server anything";
        return Err(ConfigError::field("allow_http", reason));
    }
    let http = has_http.then(|| http(config, policy)).transpose()?;
    let grpc = has_grpc.then(|| grpc(config, policy)).transpose()?;
    let home = http
        .as_ref()
        .map_or(Ipv4Addr::LOCALHOST.into(), |it| it.address.ip());
    let metrics = config.allow_metrics.unwrap_or(true).then(|| {
        let at = (config.metrics_address.as_deref(), config.metrics_port);
        address("metrics_address", at, (home, 8002))
    });
    let (trace, ignored) = trace_options(&config.trace_config)?;
    let ignored = ignored.into_iter().map(|it| {
        let field = format!("trace_config {it}");
        (field, "only times are traced, by rate and count".to_owned())
    });
    let defaults = ServerOptions::default();
    let has_gpus = config.allow_gpu_metrics.unwrap_or(true) && metrics.is_some();
    let gpus_every = config.metrics_interval_ms;
    let gpus_every = gpus_every.map(|every| Duration::from_millis(every.max(1)));
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let threads = config
        .http_thread_count
        .map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    let compression = config
        .grpc_infer_response_compression_level
        .unwrap_or_default();
    Ok(Settled {
        server: ServerOptions {
            name: config.id.clone().unwrap_or(defaults.name),
            http,
            grpc,
            grpc_compression: (compression != Compression::None).then_some(Coding::Gzip),
            metrics: metrics.transpose()?,
            machine_metrics: config.allow_cpu_metrics.unwrap_or(true),
            gpus: has_gpus.then(gpus).flatten(),
            gpus_every: gpus_every.unwrap_or(defaults.gpus_every),
            strict_readiness: config.strict_readiness.unwrap_or(true),
            threads: threads.unwrap_or(defaults.threads).clamp(1, 1024),
            drain: config.exit_timeout_secs.map_or(defaults.drain, seconds),
            trace,
            ..defaults
        },
        engine: EngineOptions {
            cache_bytes: cache_bytes(config)?,
            ..EngineOptions::default()
        },
        repository: repository(config)?,
        exits_on_error: config.exit_on_error.unwrap_or(true),
        unhonoured: unhonoured.into_iter().chain(ignored).collect(),
    })
}

/// Fields that have no effect here, with the reasons; an error for those that cannot be.
fn refused(config: &TritonConfig) -> Result<Vec<(String, String)>, ConfigError> {
    let mut unhonoured = Vec::new();
    for field in TritonConfig::FIELDS {
        let Some(texts) = field.texts(config) else {
            continue;
        };
        match field.effect {
            Effect::Honoured => {}
            Effect::Nothing(why) => unhonoured.push((field.name.to_owned(), why.to_owned())),
            Effect::Refused(_) if texts == ["false"] => {}
            Effect::Refused(why) => return Err(ConfigError::field(field.name, why)),
        }
    }
    Ok(unhonoured)
}

fn http(config: &TritonConfig, policy: &AccessPolicy) -> Result<Endpoint, ConfigError> {
    let at = (config.http_address.as_deref(), config.http_port);
    let home = (Ipv4Addr::LOCALHOST.into(), 8000);
    let rules = &config.http_restricted_api;
    Ok(Endpoint {
        address: address("http_address", at, home)?,
        tls: None,
        access: with_rules(policy.clone(), "http_restricted_api", rules)?,
        forward: pattern(
            "http_header_forward_pattern",
            config.http_header_forward_pattern.as_deref(),
        )?,
    })
}

fn grpc(config: &TritonConfig, policy: &AccessPolicy) -> Result<Endpoint, ConfigError> {
    let at = (config.grpc_address.as_deref(), config.grpc_port);
    let home = (Ipv4Addr::LOCALHOST.into(), 8001);
    let rules = &config.grpc_restricted_protocol;
    Ok(Endpoint {
        address: address("grpc_address", at, home)?,
        tls: tls(config)?,
        access: with_rules(policy.clone(), "grpc_restricted_protocol", rules)?,
        forward: pattern(
            "grpc_header_forward_pattern",
            config.grpc_header_forward_pattern.as_deref(),
        )?,
    })
}

fn address(
    field: &str,
    (host, port): (Option<&str>, Option<u16>),
    (home, usual): (IpAddr, u16),
) -> Result<SocketAddr, ConfigError> {
    let host = match host {
        None => home,
        Some("localhost") => Ipv4Addr::LOCALHOST.into(),
        Some(text) => text.parse().map_err(|_| {
            let reason = format!("`{text}` is no address of this machine, such as 0.0.0.0 for all");
            ConfigError::field(field, reason)
        })?,
    };
    Ok((host, port.unwrap_or(usual)).into())
}

fn pattern(field: &str, text: Option<&str>) -> Result<Option<HeaderPattern>, ConfigError> {
    let pattern = text.map(HeaderPattern::new).transpose();
    pattern.map_err(|error| ConfigError::field(field, error.to_string()))
}

fn tls(config: &TritonConfig) -> Result<Option<TlsOptions>, ConfigError> {
    let is_mutual = config.grpc_use_ssl_mutual.unwrap_or(false);
    if !is_mutual && !config.grpc_use_ssl.unwrap_or(false) {
        return Ok(None);
    }
    let needed = |field: &str, path: &Option<PathBuf>| {
        let missing = || ConfigError::field(field, "it is needed where gRPC is encrypted");
        path.clone().ok_or_else(missing)
    };
    Ok(Some(TlsOptions {
        certificate: needed("grpc_server_cert", &config.grpc_server_cert)?,
        key: needed("grpc_server_key", &config.grpc_server_key)?,
        client_authorities: is_mutual
            .then(|| needed("grpc_root_cert", &config.grpc_root_cert))
            .transpose()?,
    }))
}

fn repository(config: &TritonConfig) -> Result<Option<RepositoryOptions>, ConfigError> {
    let Some(paths) = &config.model_repository else {
        return match config.model_control_mode {
            None | Some(ModelControl::None) => Ok(None),
            Some(_) => {
                let reason = "there is no `model_repository` whose models could come and go";
                Err(ConfigError::field("model_control_mode", reason))
            }
        };
    };
    let text = paths.to_string_lossy();
    let sources = text.split(',').map(|path| {
        let settled = Source::Folder(path.into()).settled();
        settled.map_err(|error| ConfigError::field("model_repository", with_causes(&error)))
    });
    let pause = config.repository_poll_secs.unwrap_or(15).max(1);
    Ok(Some(RepositoryOptions {
        sources: sources.collect::<Result<_, _>>()?,
        control: match config.model_control_mode.unwrap_or_default() {
            ModelControl::None => Control::None,
            ModelControl::Poll => Control::Poll(Duration::from_secs(pause.into())),
            ModelControl::Explicit => Control::Explicit,
        },
        strict_readiness: config.strict_readiness.unwrap_or(true),
        ..RepositoryOptions::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    /// Fields that are looked at elsewhere: where the log is made.
    const OF_THE_LOG: &[&str] = &["log_verbose", "log_file"];

    fn text(variables: &[(String, String)]) -> String {
        let environment: Environment = variables.iter().cloned().collect();
        let config = TritonConfig::default().with_environment(&environment);
        let settled = settled(&config.unwrap(), &AccessPolicy::default());
        format!("{:?}", settled.unwrap())
    }

    fn variable(name: &str, value: &str) -> (String, String) {
        (
            format!("NAV_TRITON_CONFIG_{}", name.to_uppercase()),
            value.to_owned(),
        )
    }

    #[test]
    fn every_field_that_is_honoured_changes_what_the_server_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().display().to_string();
        // What other fields need to matter.
        let needed = [
            variable("grpc_use_ssl", "true"),
            variable("grpc_use_ssl_mutual", "true"),
            variable("grpc_server_cert", "/any.pem"),
            variable("grpc_server_key", "/any.key"),
            variable("grpc_root_cert", "/any.pem"),
            variable("model_repository", &folder),
            variable("model_control_mode", "poll"),
        ];
        let before = text(&needed);
        for field in TritonConfig::FIELDS {
            if field.effect != Effect::Honoured || OF_THE_LOG.contains(&field.name) {
                continue;
            }
            let mut name = field.name.to_owned();
            if field.is_list {
                name.push_str("_0");
            }
            let other = match field.name {
                "model_repository" => "/",
                "model_control_mode" => "none",
                "grpc_use_ssl_mutual" => "false",
                // Where there is no GPU, nobody sees one either way; and it is encrypted as long as clients need certificates.
                "allow_gpu_metrics" | "grpc_use_ssl" => continue,
                _ => field.example,
            };
            let (name, value) = variable(&name, other);
            let mut variables = needed.to_vec();
            variables.retain(|(known, _)| *known != name);
            variables.push((name, value));
            assert_ne!(text(&variables), before, "{}", field.name);
        }
        let plain = [("grpc_use_ssl", "false"), ("grpc_use_ssl_mutual", "false")];
        let mut variables = needed[2..].to_vec();
        variables.extend(plain.map(|(name, value)| variable(name, value)));
        assert_ne!(text(&variables), before);
    }

    #[test]
    fn what_is_traced_is_read_as_it_is_said_for_triton() {
        let traced = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|it| (*it).to_owned()).collect();
            trace_options(&settings).unwrap()
        };
        let (options, ignored) = traced(&[
            "mode=opentelemetry",
            "opentelemetry,url=http://localhost:4317",
            "triton,file=/trace",
            "rate=7",
            "count=-1",
            "level=TENSORS",
        ]);
        assert_eq!(options.collector.as_deref(), Some("http://localhost:4317"));
        assert_eq!((options.file, options.settings.rate), (None, 7));
        assert_eq!(
            (options.settings.timestamps, options.settings.count),
            (true, None)
        );
        assert_eq!(ignored, ["level=TENSORS"]);
        let (options, _) = traced(&["triton,file=/trace", "level=OFF", "triton,log-frequency=3"]);
        assert!(options.file.is_some() && !options.settings.timestamps);
        assert_eq!(options.settings.log_frequency, 3);
    }
}
