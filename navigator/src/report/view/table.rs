//! The comparison of all variants, one row each, and every measurement behind it.

use nav_package_format::package::{Choice, Evaluation, Measurement, Outcome, Runtime, Variant};
use serde::Serialize;

use crate::report::chart::Drawn;
use crate::report::compare::{
    LargestError, is_chosen, largest_error, milliseconds, speed_up, told, untouched,
};
use crate::report::subject::Subject;
use crate::report::words::{batch, bytes, difference, per_second, settings, spread};

/// The comparison.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Table {
    /// What speed-ups are against.
    against: Option<String>,
    rows: Vec<Row>,
}

/// A variant.
#[derive(Debug, Default, Serialize)]
pub(in crate::report) struct Row {
    letter: Option<char>,
    variant: String,
    runner: String,
    settings: String,
    chosen: bool,
    tie: bool,
    status: String,
    /// `ok`, `failed` or `skipped`.
    outcome: &'static str,
    numbers: Numbers,
    speed_up: String,
    error: String,
    /// The error relative to the original.
    relative: String,
    memory: String,
    threads: String,
    size: String,
}

/// What was measured, in texts; empty where nothing was.
#[derive(Debug, Default, Serialize)]
struct Numbers {
    batch: String,
    p50: String,
    spread: String,
    noisy: bool,
    p95: String,
    p99: String,
    per_second: String,
}

/// A measurement.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Measured {
    variant: String,
    runner: String,
    chosen: bool,
    numbers: Numbers,
    /// The most that p99 may be.
    p99_at_most: String,
    requests: u64,
}

/// The comparison, in the order of the package.
pub(in crate::report) fn table(
    subject: &Subject<'_>,
    evaluations: &[Evaluation],
    drawn: &Drawn<'_>,
) -> Table {
    let choice = subject.chosen.as_ref().ok();
    let against = untouched(evaluations);
    let variants = subject.manifest.variants.iter();
    let rows =
        evaluations
            .iter()
            .zip(variants)
            .enumerate()
            .map(|(position, (evaluation, variant))| {
                let error = largest_error(&subject.manifest.records, evaluation);
                let relative = error.relative.filter(|_| error.absolute != Some(0.0));
                Row {
                    letter: drawn.letter(evaluation),
                    error: LargestError {
                        relative: None,
                        ..error
                    }
                    .to_string(),
                    relative: relative
                        .map(|relative| format!("{} rel", difference(Some(relative))))
                        .unwrap_or_default(),
                    size: sized(subject.sizes.get(position).copied().flatten()),
                    ..row(evaluation, variant, choice, against)
                }
            });
    Table {
        rows: rows.collect(),
        against: against.map(|untouched| Runtime::of(untouched).to_string()),
    }
}

fn row(
    evaluation: &Evaluation,
    variant: &Variant,
    choice: Option<&Choice>,
    against: Option<&Evaluation>,
) -> Row {
    let is = |runtime: &Runtime| runtime.is_of(evaluation);
    let told = told(choice, evaluation);
    let objection = evaluation.objection();
    let speed_up = told
        .zip(against)
        .and_then(|(told, against)| speed_up(told, against));
    Row {
        variant: evaluation.variant.clone(),
        runner: evaluation.runner.clone(),
        settings: settings(variant),
        chosen: choice.is_some_and(|choice| is(&choice.runtime)),
        tie: choice.is_some_and(|choice| choice.ties.iter().any(is)),
        outcome: match &objection {
            None => "ok",
            Some(_) if has_failed(evaluation) => "failed",
            Some(_) => "skipped",
        },
        status: objection.unwrap_or_else(|| "ok".to_owned()),
        numbers: told.map(numbers).unwrap_or_default(),
        speed_up: speed_up
            .map(|speed_up| speed_up.text('×'))
            .unwrap_or_default(),
        memory: sized(evaluation.cost.memory_bytes),
        threads: evaluation
            .cost
            .threads
            .map(|threads| threads.to_string())
            .unwrap_or_default(),
        ..Row::default()
    }
}

fn has_failed(evaluation: &Evaluation) -> bool {
    evaluation
        .steps
        .iter()
        .any(|step| step.outcome == Outcome::Failed)
}

fn sized(count: Option<u64>) -> String {
    count.map(bytes).unwrap_or_default()
}

fn numbers(measurement: &Measurement) -> Numbers {
    let latency = &measurement.latency;
    Numbers {
        batch: batch(measurement.batch),
        p50: milliseconds(latency.p50_ms),
        spread: spread(measurement).unwrap_or_default(),
        noisy: measurement.noisy,
        p95: milliseconds(latency.p95_ms),
        p99: milliseconds(latency.p99_ms),
        per_second: per_second(measurement.throughput),
    }
}

/// Every measurement, in the order of the package.
pub(in crate::report) fn measured(
    evaluations: &[Evaluation],
    choice: Option<&Choice>,
) -> Vec<Measured> {
    let rows = evaluations.iter().flat_map(|evaluation| {
        evaluation.measurements.iter().map(move |one| Measured {
            variant: evaluation.variant.clone(),
            runner: evaluation.runner.clone(),
            chosen: is_chosen(choice, evaluation, one),
            numbers: numbers(one),
            p99_at_most: one
                .at_most
                .map(|bounds| milliseconds(bounds.p99_ms))
                .unwrap_or_default(),
            requests: one.requests,
        })
    });
    rows.collect()
}
