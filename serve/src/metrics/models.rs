//! What happened in each model, under the names that existing dashboards know, and as distributions.

use std::fmt::Write;

use nav_engine::{Engine, FailureReason, Histogram, Model, ModelStatistics};

use super::text::{head, line};
use crate::facts::ModelFacts;

/// A counter of each model.
struct Counter {
    name: &'static str,
    help: &'static str,
    read: fn(&ModelStatistics) -> u64,
}

const fn counter(
    name: &'static str,
    help: &'static str,
    read: fn(&ModelStatistics) -> u64,
) -> Counter {
    Counter { name, help, read }
}

/// The counters, but for those of failures and of the cache.
const COUNTERS: &[Counter] = &[
    counter(
        "nv_inference_request_success",
        "Number of successful inference requests, all batch sizes",
        |all| all.success.count,
    ),
    counter(
        "nv_inference_count",
        "Number of inferences performed (does not include cached requests)",
        |all| all.inference_count,
    ),
    counter(
        "nv_inference_exec_count",
        "Number of model executions performed (does not include cached requests)",
        |all| all.execution_count,
    ),
    counter(
        "nv_inference_request_duration_us",
        "Cumulative inference request duration in microseconds (includes cached requests)",
        |all| all.success.ns / 1000,
    ),
    counter(
        "nv_inference_queue_duration_us",
        "Cumulative inference queuing duration in microseconds (includes cached requests)",
        |all| all.queue.ns / 1000,
    ),
    counter(
        "nv_inference_compute_input_duration_us",
        "Cumulative compute input duration in microseconds (does not include cached requests)",
        |all| all.compute_input.ns / 1000,
    ),
    counter(
        "nv_inference_compute_infer_duration_us",
        "Cumulative compute inference duration in microseconds (does not include cached requests)",
        |all| all.compute_infer.ns / 1000,
    ),
    counter(
        "nv_inference_compute_output_duration_us",
        "Cumulative inference compute output duration in microseconds (does not include cached requests)",
        |all| all.compute_output.ns / 1000,
    ),
];

/// The counters of models whose responses are kept.
const CACHE_COUNTERS: &[Counter] = &[
    counter(
        "nv_cache_num_hits_per_model",
        "Number of cache hits per model",
        |all| all.cache_hit.count,
    ),
    counter(
        "nv_cache_num_misses_per_model",
        "Number of cache misses per model",
        |all| all.cache_miss.count,
    ),
    counter(
        "nv_cache_hit_duration_per_model",
        "Total cache hit duration per model, in microseconds",
        |all| all.cache_hit.ns / 1000,
    ),
    counter(
        "nv_cache_miss_duration_per_model",
        "Total cache miss duration per model, in microseconds",
        |all| all.cache_miss.ns / 1000,
    ),
];

/// A distribution of each model.
struct Distribution {
    name: &'static str,
    help: &'static str,
    read: fn(&ModelStatistics) -> &Histogram,
}

const DISTRIBUTIONS: &[Distribution] = &[
    Distribution {
        name: "nav_request_duration_seconds",
        help: "Time from the arrival of a request to its answer, of requests that succeeded",
        read: |all| &all.request_times,
    },
    Distribution {
        name: "nav_queue_duration_seconds",
        help: "Time in the queue, of requests that succeeded",
        read: |all| &all.queue_times,
    },
    Distribution {
        name: "nav_execution_duration_seconds",
        help: "Time in the model, by run",
        read: |all| &all.infer_times,
    },
];

/// A model with what happened in it.
struct Row {
    labels: String,
    statistics: ModelStatistics,
    waiting: usize,
    has_cache: bool,
}

/// Everything about all models.
pub(super) fn write(out: &mut String, engine: &Engine) {
    let mut models = engine.models();
    models.sort_by(|one, other| (one.name(), one.version()).cmp(&(other.name(), other.version())));
    let rows: Vec<Row> = models.iter().map(|model| row(model)).collect();
    for counter in COUNTERS {
        family(out, counter, &rows, |_| true);
    }
    failures(out, &rows);
    let pending = "nv_inference_pending_request_count";
    let help = "Instantaneous number of pending requests awaiting execution per-model.";
    head(out, (pending, "gauge"), help);
    for row in &rows {
        line(out, pending, &row.labels, row.waiting);
    }
    for counter in CACHE_COUNTERS {
        family(out, counter, &rows, |row| row.has_cache);
    }
    for distribution in DISTRIBUTIONS {
        histogram(out, distribution, &rows);
    }
}

fn row(model: &Model) -> Row {
    let mut labels = String::new();
    label(&mut labels, "model", model.name());
    label(&mut labels, "version", &model.version().to_string());
    for (name, value) in ModelFacts::of(model).metric_tags() {
        // As this protocol's servers have it, so that no tag takes the place of a label.
        label(&mut labels, &format!("_{name}"), value);
    }
    Row {
        labels,
        statistics: model.statistics(),
        waiting: model.waiting(),
        has_cache: model.options().cache,
    }
}

fn label(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn family(out: &mut String, counter: &Counter, rows: &[Row], counts: impl Fn(&Row) -> bool) {
    head(out, (counter.name, "counter"), counter.help);
    for row in rows.iter().filter(|row| counts(row)) {
        line(
            out,
            counter.name,
            &row.labels,
            (counter.read)(&row.statistics),
        );
    }
}

fn failures(out: &mut String, rows: &[Row]) {
    let name = "nv_inference_request_failure";
    head(
        out,
        (name, "counter"),
        "Number of failed inference requests, all batch sizes",
    );
    for row in rows {
        for reason in FailureReason::ALL {
            let label = match reason {
                FailureReason::Rejected => "REJECTED",
                FailureReason::Cancelled => "CANCELED",
                FailureReason::Backend => "BACKEND",
                FailureReason::Other => "OTHER",
            };
            let labels = format!("{},reason=\"{label}\"", row.labels);
            line(out, name, &labels, row.statistics.failed(reason));
        }
    }
}

fn histogram(out: &mut String, distribution: &Distribution, rows: &[Row]) {
    let name = distribution.name;
    head(out, (name, "histogram"), distribution.help);
    for row in rows {
        let times = (distribution.read)(&row.statistics);
        let labels = &row.labels;
        // One in four: ends a doubling apart are enough for a dashboard.
        for (end, count) in times.cumulative().skip(3).step_by(4) {
            let end = end.as_secs_f64();
            writeln!(out, "{name}_bucket{{{labels},le=\"{end}\"}} {count}").ok();
        }
        let count = times.count();
        writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}").ok();
        let sum = times.sum().as_secs_f64();
        writeln!(out, "{name}_sum{{{labels}}} {sum}").ok();
        writeln!(out, "{name}_count{{{labels}}} {count}").ok();
    }
}
