//! `nav serve`: models loaded, then served until the process is told to stop.

mod access;
pub(crate) mod alone;
mod control;
mod grpc;
mod log;
mod memory;
mod opening;
mod secure;
mod tracing;

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use nav_adapter::opening::{Instead, Opener};
use nav_engine::{Engine, EngineOptions};
use nav_navigator::whole_file::write_whole;
use nav_serve::{
    Ended, Endpoint, HeaderPattern, Level, LoadFailure, Log, Repository, RepositoryError, Server,
    ServerOptions, Source, SourceError,
};

use self::access::AccessArgs;
use self::control::ControlArgs;
use self::grpc::GrpcArgs;
use self::log::LogArgs;
use self::memory::MemoryArgs;
use self::opening::{Typed, cause};
use self::secure::SecureArgs;
use self::tracing::TraceArgs;
use crate::exit::{self, UsageError};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// The arguments of `nav serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Packages, models, and folders of them: model repositories, with a folder for each model.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Where to listen. Only this machine reaches the default.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    host: IpAddr,
    /// The port for HTTP; 0 for any that is free.
    #[arg(long, default_value_t = 8000, value_name = "PORT")]
    http_port: u16,
    /// The port for metrics; 0 for any that is free.
    #[arg(long, default_value_t = 8002, value_name = "PORT")]
    metrics_port: u16,
    /// Give no metrics.
    #[arg(long, conflicts_with = "metrics_port")]
    no_metrics: bool,
    /// The name to serve the one model under, instead of that of its file.
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    /// How many threads run each model, instead of what its package says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    instances: Option<u16>,
    /// The most rows of a batch, instead of what the package says; 0 for no batches.
    #[arg(long, value_name = "ROWS")]
    max_batch: Option<usize>,
    /// How long a request may wait for others to share its batch, in microseconds.
    #[arg(long, value_name = "MICROSECONDS")]
    queue_delay: Option<u64>,
    /// How many bytes responses may take that are kept for requests that are the same.
    #[arg(long, default_value_t = 0, value_name = "BYTES")]
    cache_size: usize,
    /// How many bytes may be kept of sequences between their requests, in all models together.
    #[arg(long, default_value_t = 4 << 30, value_name = "BYTES")]
    state_size: usize,
    /// The most bytes of a request.
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES")]
    max_body: usize,
    /// The most connections at a time.
    #[arg(long, default_value_t = 4096, value_name = "COUNT")]
    max_connections: usize,
    /// How long requests may take to end when the server is told to stop, in seconds.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    drain_time: u64,
    /// End with an error when a model is not ready for so long, so that whoever watches starts the server anew; 0 for
    /// never.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    exit_when_unready: u64,
    /// Whose the sequences of requests are: everybody's who knows their names, or those of the connection that began
    /// them, with which they end.
    #[arg(long, value_enum, default_value = "server", value_name = "WHOSE")]
    sequence_ids: SequenceIds,
    /// Run each model in a process of its own.
    #[arg(long)]
    isolate: bool,
    /// Write this file when everything is served, with the addresses in it.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Pass headers on to models as parameters, whose names in lower case hold what this regular expression matches.
    #[arg(long, value_name = "PATTERN")]
    forward_headers: Option<String>,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    grpc: GrpcArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    secure: SecureArgs,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    strategy: StrategyArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Where names of sequences hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SequenceIds {
    /// In all connections, as clients expect that have several.
    Server,
    /// In the connection that began the sequence.
    Connection,
}

/// Loads everything, binds, serves.
pub(crate) fn run(args: &ServeArgs, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let log = args.log.log(settings)?;
    let served = serve(args, (settings, printer), &log);
    // Whatever still runs in this process says nothing more.
    log.finish();
    match served? {
        Ended::Drained => Ok(()),
        early => leave(early),
    }
}

/// Ends the program although models may still run.
fn leave(ended: Ended) -> ! {
    let why = match ended {
        // Nobody waited for more.
        Ended::Drained | Ended::Late => nav_native::ending::end_at_once(0),
        Ended::Unready => anyhow!("ended, as a model was not ready for too long"),
        Ended::AtOnce => anyhow!("ended at once, as it was told twice to stop"),
    };
    nav_native::ending::end_at_once(exit::tell(&why).code())
}

fn serve(
    args: &ServeArgs,
    (settings, printer): (&Settings, Printer),
    log: &Log,
) -> anyhow::Result<Ended> {
    let began = Instant::now();
    let engine = Engine::new(EngineOptions {
        cache_bytes: args.cache_size,
        max_state_bytes: args.state_size,
        ..EngineOptions::default()
    })?;
    let repository = repository(args, engine.clone(), (log, settings, printer))?;
    if args.control.is_explicit() && !args.access.is_managed() {
        let why = "clients may not: see --allow-management and --access-token-file".to_owned();
        log.event(Level::Warning, "not controlled", &[("why", why)]);
    }
    let models = start(&repository)?;
    let server = Server::bind_repository(repository, log, options(args)?)?;
    let http = server.http_address()?;
    let grpc = server.grpc_address()?.map(|it| ("grpc", it.to_string()));
    let metrics = server.metrics_address()?;
    let metrics = metrics.map(|it| ("metrics", format!("http://{it}")));
    let scheme = if args.secure.is_given() {
        "https"
    } else {
        "http"
    };
    let http = http.map(|it| ("http", format!("{scheme}://{it}")));
    let addresses: Vec<(&str, String)> = [http, grpc, metrics].into_iter().flatten().collect();
    let mut announced = Ok(());
    let stopper = server.stopper();
    let ended = server.run(|| {
        announced = announce(args.ready_file.as_deref(), &addresses);
        if announced.is_err() {
            stopper.stop();
        }
        let mut fields = addresses;
        fields.push(("models", models.to_string()));
        fields.push(("milliseconds", began.elapsed().as_millis().to_string()));
        log.event(Level::Info, "ready", &fields);
    })?;
    if let Some(path) = &args.ready_file {
        // Whoever looks at it may have taken it away.
        drop(std::fs::remove_file(path));
    }
    announced?;
    if matches!(ended, Ended::Drained | Ended::Late) {
        let late = (ended == Ended::Late).then(|| ("unanswered", "some requests".to_owned()));
        log.event(Level::Info, "stopped", late.as_slice());
    }
    Ok(ended)
}

/// The models that the paths stand for, of which none is loaded yet.
fn repository(
    args: &ServeArgs,
    engine: Engine,
    (log, settings, printer): (&Log, &Settings, Printer),
) -> anyhow::Result<Repository> {
    let models = Typed {
        strategy: args.strategy.clone(),
        trust: args.trust.clone(),
        settings: settings.clone(),
        printer,
        isolate: args.isolate,
    };
    let opener = Opener::new(models).serving(Instead {
        instances: args.instances.map(usize::from),
        max_batch: args.max_batch,
        queue_delay: args.queue_delay.map(Duration::from_micros),
        cache: args.cache_size > 0,
    });
    let name = args.model_name.as_deref();
    let options = args.control.options(&args.paths, name, settings)?;
    let made = Repository::new(engine, Arc::new(opener), (log, options));
    made.map_err(|error| match error {
        RepositoryError::Source(error @ SourceError::Twice { .. }) => {
            UsageError(error.to_string()).into()
        }
        RepositoryError::Source(error @ SourceError::Name { .. }) => {
            UsageError(format!("{error}; give one file a name with --model-name")).into()
        }
        RepositoryError::NoModel { .. } => UsageError(error.to_string()).into(),
        other => other.into(),
    })
}

/// Loads what is to be loaded at the start, and tells how many models are served. A file that was given as such must
/// be; one of several models of a folder may fail.
fn start(repository: &Repository) -> anyhow::Result<usize> {
    let mut failures = repository.start()?;
    let path_of = |name: &str| {
        let mut sources = repository.sources().iter();
        sources.find_map(|source| match source {
            Source::File { name: known, path } if known == name => Some(path.clone()),
            _ => None,
        })
    };
    let given = failures
        .iter()
        .position(|(name, _)| path_of(name).is_some());
    if let Some(index) = given {
        let (name, failure): (String, LoadFailure) = failures.swap_remove(index);
        let path = path_of(&name).unwrap_or_default();
        return Err(cause(failure).context(format!("cannot serve {}", path.display())));
    }
    let mut names: Vec<String> = repository
        .engine()
        .models()
        .iter()
        .map(|model| model.name().to_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    match failures.pop() {
        Some((name, failure)) if names.is_empty() => {
            Err(cause(failure).context(format!("no model can be served, `{name}` among them")))
        }
        _ => Ok(names.len()),
    }
}

fn options(args: &ServeArgs) -> anyhow::Result<ServerOptions> {
    let defaults = ServerOptions::default();
    if args.max_body == 0 || args.max_connections == 0 {
        let text = "--max-body and --max-connections must be more than 0";
        return Err(UsageError(text.to_owned()).into());
    }
    let limits = nav_serve::Limits {
        body: args.max_body,
        bodies: defaults.limits.bodies.max(args.max_body.saturating_mul(4)),
        connections: args.max_connections,
        ..defaults.limits
    };
    let access = args.access.policy()?;
    let forward = args.forward_headers.as_deref();
    let forward = forward.map(HeaderPattern::new).transpose()?;
    let at = |port| Endpoint {
        tls: args.secure.options(),
        access: access.clone(),
        forward: forward.clone(),
        ..Endpoint::new((args.host, port).into())
    };
    Ok(ServerOptions {
        http: Some(at(args.http_port)),
        grpc: args.grpc.port().map(at),
        grpc_compression: args.grpc.compression(),
        metrics: (!args.no_metrics).then(|| (args.host, args.metrics_port).into()),
        gpus: (!args.no_metrics).then(nav_adapter::gpus).flatten(),
        drain: Duration::from_secs(args.drain_time),
        unready: (args.exit_when_unready > 0).then(|| Duration::from_secs(args.exit_when_unready)),
        signals: true,
        own_sequences: args.sequence_ids == SequenceIds::Connection,
        shared_memory: args.memory.options(),
        trace: args.trace.options(),
        limits,
        ..defaults
    })
}

/// All of it or nothing, for whoever waits for it.
fn announce(path: Option<&Path>, fields: &[(&str, String)]) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let lines: Vec<String> = fields
        .iter()
        .map(|(edge, url)| format!("{edge} {url}"))
        .collect();
    let text = lines.join("\n") + "\n";
    let written: io::Result<()> = write_whole(path, |file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
