//! `nav perf`: a model under load, on a server or in this process.

mod amounts;
mod inputs;
mod interruption;
mod outcome;
mod record;
mod secure;
mod subject;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use nav_perf::{Arrivals, Ended, Level, Load, Options, Protocol};

use self::amounts::amounts;
pub(crate) use self::record::rows;
use self::secure::SecureArgs;
use self::subject::Subject;
use crate::duration;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;
use crate::strategy::StrategyArgs;
use crate::trust::TrustArgs;

/// The arguments of `nav perf`.
#[derive(Args, Debug)]
pub(crate) struct PerfArgs {
    /// A model or a package, to be measured in this process as `nav serve` would run it. Otherwise a server is asked.
    #[arg(required_unless_present = "model", conflicts_with_all = ["model", "url"])]
    path: Option<PathBuf>,
    /// The model of the server.
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Its version; the server's choice, if left out.
    #[arg(long, value_name = "VERSION", requires = "model")]
    model_version: Option<String>,
    /// The server; the port that is usual for the protocol, if left out. `https://` and `grpcs://` before it encrypt.
    #[arg(long, short, default_value = "127.0.0.1", value_name = "HOST[:PORT]")]
    url: String,
    /// How tensors travel.
    #[arg(long, short = 'i', value_enum, default_value_t = Speech::Http)]
    protocol: Speech,
    /// How many requests at a time, each as soon as one before was answered: `8`, `1,4,16`, `1..64` for every doubling,
    /// `1..64:*4` or `10..50:+10`.
    #[arg(long, default_value = "1", value_name = "AMOUNTS")]
    concurrency: String,
    /// How many requests a second, whatever becomes of those before: an amount or a range, as for `--concurrency`.
    /// Latencies count from when a request was due.
    #[arg(long, conflicts_with = "concurrency", value_name = "AMOUNTS")]
    rate: Option<String>,
    /// How requests of a rate are spread.
    #[arg(long, value_enum, default_value_t = Spread::Constant)]
    arrivals: Spread,
    /// The most connections for a rate; requests that find none free wait, which counts.
    #[arg(long, default_value_t = 512, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=65_000))]
    connections: u32,
    /// Rows of each request, where the model has batches.
    #[arg(long, short, default_value_t = 1, value_name = "ROWS")]
    batch: usize,
    /// The extents of an input, without those of the batch where the model has batches.
    #[arg(long, value_name = "INPUT=EXTENT,...")]
    shape: Vec<String>,
    /// The extent of a symbolic dimension of a model in this process.
    #[arg(long, value_name = "NAME=EXTENT")]
    dim: Vec<String>,
    /// What inputs hold: `random`, `zero`, or samples: an `.npz` or `.npy` file or a folder of them, sent in turns.
    #[arg(long, default_value = "random", value_name = "random|zero|FILE|FOLDER")]
    data: String,
    /// How many different requests of random data there are, sent in turns.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    distinct: u32,
    /// Where random data starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// An output to ask for; all, if left out.
    #[arg(long, value_name = "NAME")]
    output: Vec<String>,
    /// What else the model is told.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// What goes along with every request: a header, or metadata of gRPC.
    #[arg(long, value_name = "NAME=VALUE")]
    header: Vec<String>,
    /// Send what is in this file as `triton-access-token`.
    #[arg(long, value_name = "FILE")]
    access_token_file: Option<PathBuf>,
    #[command(flatten)]
    secure: SecureArgs,
    /// How long requests are sent before any counts; `0s` for none.
    #[arg(long, default_value = "1s", value_name = "TIME")]
    warm_up: String,
    /// The longest that each amount is measured.
    #[arg(long, default_value = "10s", value_name = "TIME")]
    time: String,
    /// How sure throughput and median latency must be for a measurement to end sooner, in percent; 0 for never.
    #[arg(long, default_value_t = 2.0, value_name = "PERCENT")]
    uncertainty: f64,
    /// How long a request may take.
    #[arg(long, default_value = "30s", value_name = "TIME")]
    timeout: String,
    /// Threads that send.
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// The process of the server, for its processor time and memory; whoever listens there, if it is on this machine.
    #[arg(long, value_name = "NUMBER")]
    server_pid: Option<u32>,
    /// Take every success for an answer, without a look at its outputs.
    #[arg(long)]
    no_check: bool,
    /// Threads that run a model in this process, instead of what its package says.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    instances: Option<u16>,
    /// The most rows of a batch of a model in this process, instead of what its package says; 0 for no batches.
    #[arg(long, value_name = "ROWS")]
    max_batch: Option<usize>,
    /// How long a request to a model in this process may wait for others, in microseconds.
    #[arg(long, value_name = "MICROSECONDS")]
    queue_delay: Option<u64>,
    /// Run the model in a process of its own.
    #[arg(long)]
    isolate: bool,
    #[command(flatten)]
    strategy: StrategyArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write the figures to this file, a line for each amount.
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// Write a report with curves to this file.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// How tensors travel, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Speech {
    /// HTTP with tensors in binary.
    Http,
    /// HTTP with tensors as JSON.
    HttpJson,
    /// gRPC, a call for each request.
    Grpc,
    /// gRPC, one stream for each connection.
    GrpcStream,
}

/// How requests are spread, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Spread {
    /// Evenly.
    Constant,
    /// As those of many clients that know nothing of each other.
    Poisson,
}

/// Opens or asks, measures each amount, tells.
pub(crate) fn run(args: &PerfArgs, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let loads = loads(args)?;
    let wanted = options(args)?;
    let interrupted = interruption::flag()?;
    let subject = Subject::open(args, (settings, printer))?;
    let options = subject.complete(&wanted, args.server_pid, printer);
    let spinner = printer.spinner();
    let mut levels: Vec<Level> = Vec::new();
    for load in loads {
        spinner.set_message(match levels.last() {
            None => render::load(&load),
            Some(last) => format!("{}, {:.0}/s so far", render::load(&load), last.throughput),
        });
        let level = subject.measure(load, &options, &interrupted)?;
        let is_over = level.ended == Ended::Interrupted || interrupted.load(Ordering::Relaxed);
        levels.push(level);
        if is_over {
            break;
        }
    }
    spinner.finish_and_clear();
    outcome::tell(args, &subject, &levels, printer)
}

fn loads(args: &PerfArgs) -> Result<Vec<Load>, UsageError> {
    if let Some(rates) = &args.rate {
        let connections = usize::try_from(args.connections).unwrap_or(usize::MAX);
        let arrivals = match args.arrivals {
            Spread::Constant => Arrivals::Constant,
            Spread::Poisson => Arrivals::Poisson,
        };
        let rates = amounts(rates)?.into_iter();
        return Ok(rates
            .map(|rate| Load::Open {
                rate,
                arrivals,
                connections,
            })
            .collect());
    }
    let closed = |amount: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a whole number below the limit"
        )]
        let concurrency = amount as usize;
        let is_whole = amount.fract().abs() < f64::EPSILON && amount <= 65_000.0;
        is_whole.then_some(Load::Closed { concurrency })
    };
    let closed: Option<Vec<Load>> = amounts(&args.concurrency)?
        .into_iter()
        .map(closed)
        .collect();
    closed.ok_or_else(|| {
        let text = format!("`{}` is no number of requests", args.concurrency);
        UsageError(text)
    })
}

fn options(args: &PerfArgs) -> Result<Options, UsageError> {
    let time = |text: &str| duration::parse(text).map_err(|error| UsageError(error.to_string()));
    if !(0.0..=100.0).contains(&args.uncertainty) {
        let text = format!("--uncertainty {} is no percentage", args.uncertainty);
        return Err(UsageError(text));
    }
    let defaults = Options::default();
    let measured = time(&args.time)?;
    Ok(Options {
        warm_up: duration::parse_or_none(&args.warm_up)
            .map_err(|error| UsageError(error.to_string()))?,
        time: measured,
        goal: args.uncertainty / 100.0,
        window: defaults.window.min(measured),
        timeout: time(&args.timeout)?,
        threads: usize::from(args.threads),
        check: !args.no_check,
        ..defaults
    })
}

impl From<Speech> for Protocol {
    fn from(speech: Speech) -> Self {
        match speech {
            Speech::Http => Self::Http,
            Speech::HttpJson => Self::HttpJson,
            Speech::Grpc => Self::Grpc,
            Speech::GrpcStream => Self::GrpcStream,
        }
    }
}
