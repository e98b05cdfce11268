//! The figures of a measurement as programs read them: JSON, and lines of commas.

use std::time::Duration;

use nav_perf::{Ended, Latencies, Level, Limit, Load, ServerSide};
use serde::Serialize;

use super::PerfArgs;
use super::subject::Subject;

/// Grows when a reader of the old one could break.
const SCHEMA: u32 = 1;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    schema: u32,
    model: &'a str,
    place: &'a str,
    protocol: &'a str,
    batch: usize,
    levels: Vec<Figures>,
}

/// What came of one amount of load.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    concurrency: Option<usize>,
    rate: Option<f64>,
    seconds: f64,
    ended: &'static str,
    requests: u64,
    abandoned: u64,
    throughput: f64,
    rows_per_second: f64,
    responses_per_second: f64,
    latency_ms: Option<Times>,
    first_response_ms: Option<Times>,
    uncertainty: Parts,
    failures: Vec<Failures>,
    server: Option<Split>,
    process: Option<Process>,
    generator: Own,
}

#[derive(Debug, Serialize)]
struct Times {
    mean: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Parts {
    throughput: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Failures {
    kind: String,
    count: u64,
    example: String,
}

/// Times of one request, in milliseconds.
#[derive(Debug, Serialize)]
struct Split {
    succeeded: u64,
    failed: u64,
    from_cache: u64,
    rows: u64,
    runs: u64,
    request_ms: f64,
    queue_ms: f64,
    compute_input_ms: f64,
    compute_infer_ms: f64,
    compute_output_ms: f64,
}

#[derive(Debug, Serialize)]
struct Process {
    /// Processors that were busy with it.
    processors: f64,
    memory_bytes: u64,
    peak_memory_bytes: u64,
    processes: usize,
}

#[derive(Debug, Serialize)]
struct Own {
    threads: usize,
    busy: f64,
    starved: f64,
    late_ms: f64,
    held_back: u64,
    limit: Option<&'static str>,
}

impl<'a> Document<'a> {
    pub(super) fn new(args: &PerfArgs, subject: &'a Subject, levels: &[Level]) -> Self {
        Self {
            schema: SCHEMA,
            model: &subject.name,
            place: &subject.place,
            protocol: subject.protocol,
            batch: args.batch,
            levels: levels
                .iter()
                .map(|level| Figures::of(level, args.batch))
                .collect(),
        }
    }
}

impl Figures {
    fn of(level: &Level, batch: usize) -> Self {
        let (concurrency, rate) = match level.load {
            Load::Closed { concurrency } => (Some(concurrency), None),
            Load::Open { rate, .. } => (None, Some(rate)),
        };
        let failures = level.failures.iter().map(|(kind, tally)| Failures {
            kind: kind.to_string(),
            count: tally.count,
            example: tally.example.why.clone(),
        });
        let seconds = level.elapsed.as_secs_f64();
        Self {
            concurrency,
            rate,
            seconds,
            ended: match level.ended {
                Ended::Sure => "sure",
                Ended::TimeOver => "time_over",
                Ended::Unsure => "unsure",
                Ended::Interrupted => "interrupted",
            },
            requests: level.sent,
            abandoned: level.abandoned,
            throughput: level.throughput,
            rows_per_second: rows(level.throughput, batch),
            responses_per_second: level.responses,
            latency_ms: Times::of(&level.latencies),
            first_response_ms: Times::of(&level.first),
            uncertainty: Parts {
                throughput: level.uncertainty.throughput,
                p50: level.uncertainty.p50,
                p99: level.uncertainty.p99,
            },
            failures: failures.collect(),
            server: level.server.as_ref().map(Split::of),
            process: level.process.as_ref().map(|process| Process {
                processors: process.busy.as_secs_f64() / seconds.max(f64::MIN_POSITIVE),
                memory_bytes: process.memory,
                peak_memory_bytes: process.peak_memory,
                processes: process.processes,
            }),
            generator: Own {
                threads: level.generator.threads,
                busy: level.generator.busy,
                starved: level.generator.starved,
                late_ms: milliseconds(level.generator.late),
                held_back: level.generator.held_back,
                limit: level.generator.limit.map(limit),
            },
        }
    }
}

/// Rows a second.
#[expect(clippy::cast_precision_loss, reason = "a batch is small")]
pub(crate) fn rows(throughput: f64, batch: usize) -> f64 {
    throughput * batch as f64
}

const fn limit(limit: Limit) -> &'static str {
    match limit {
        Limit::Busy => "busy",
        Limit::Starved => "starved",
        Limit::Late => "late",
        Limit::Connections => "connections",
    }
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Times {
    fn of(latencies: &Latencies) -> Option<Self> {
        let at = |part| milliseconds(latencies.quantile(part));
        (latencies.count() > 0).then(|| Self {
            mean: milliseconds(latencies.mean()),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            max: milliseconds(latencies.max()),
        })
    }
}

impl Split {
    fn of(side: &ServerSide) -> Self {
        let each = |time| milliseconds(side.each(time));
        Self {
            succeeded: side.succeeded,
            failed: side.failed,
            from_cache: side.from_cache,
            rows: side.rows,
            runs: side.runs,
            request_ms: each(side.whole),
            queue_ms: each(side.queue),
            compute_input_ms: each(side.compute_input),
            compute_infer_ms: each(side.compute_infer),
            compute_output_ms: each(side.compute_output),
        }
    }
}

/// The figures as lines of commas, with their names first.
pub(super) fn commas(document: &Document<'_>) -> String {
    let names = [
        "concurrency",
        "rate",
        "seconds",
        "requests",
        "throughput",
        "rows_per_second",
        "uncertainty",
        "mean_ms",
        "p50_ms",
        "p90_ms",
        "p95_ms",
        "p99_ms",
        "max_ms",
        "failures",
        "queue_ms",
        "compute_input_ms",
        "compute_infer_ms",
        "compute_output_ms",
        "processors",
        "memory_bytes",
        "generator_busy",
        "generator_limit",
    ];
    let mut text = names.join(",") + "\n";
    for level in &document.levels {
        text.push_str(&line(level).join(","));
        text.push('\n');
    }
    text
}

/// All values are numbers or words of ours, so nothing is quoted.
fn line(level: &Figures) -> [String; 22] {
    let optional = |value: Option<f64>| value.map(|it| it.to_string()).unwrap_or_default();
    let latency = |pick: fn(&Times) -> f64| optional(level.latency_ms.as_ref().map(pick));
    let split = |pick: fn(&Split) -> f64| optional(level.server.as_ref().map(pick));
    let failures: u64 = level.failures.iter().map(|it| it.count).sum();
    let process = level.process.as_ref();
    [
        level
            .concurrency
            .map(|it| it.to_string())
            .unwrap_or_default(),
        optional(level.rate),
        level.seconds.to_string(),
        level.requests.to_string(),
        level.throughput.to_string(),
        level.rows_per_second.to_string(),
        optional(level.uncertainty.throughput),
        latency(|it| it.mean),
        latency(|it| it.p50),
        latency(|it| it.p90),
        latency(|it| it.p95),
        latency(|it| it.p99),
        latency(|it| it.max),
        failures.to_string(),
        split(|it| it.queue_ms),
        split(|it| it.compute_input_ms),
        split(|it| it.compute_infer_ms),
        split(|it| it.compute_output_ms),
        optional(process.map(|it| it.processors)),
        process
            .map(|it| it.memory_bytes.to_string())
            .unwrap_or_default(),
        level.generator.busy.to_string(),
        level.generator.limit.unwrap_or_default().to_owned(),
    ]
}
