//! The comparison of variants, for people: one table for every command that compares.

use nav_package_format::package::record::CORRECTNESS;
use nav_package_format::package::{Choice, Comparison, Evaluation, Measurement, Record};

use super::table::{bytes, table, text};

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compared<'a> {
    /// How the variants did, the untouched model first.
    pub(crate) evaluations: &'a [Evaluation],
    /// How large the model of each is, as far as that is known.
    pub(crate) sizes: &'a [Option<u64>],
    /// What was attempted.
    pub(crate) records: &'a [Record],
    /// What was chosen.
    pub(crate) choice: Option<&'a Choice>,
    /// Whether every batch is told, or only each variant's best.
    pub(crate) every_batch: bool,
}

const HEADER: [&str; 11] = [
    "VARIANT",
    "RUNNER",
    "SIZE",
    "STATUS",
    "BATCH",
    "P50 MS",
    "P95 MS",
    "P99 MS",
    "PER SECOND",
    "SPEED-UP",
    "ERROR",
];

/// The table, with the chosen batch marked by a star.
pub(crate) fn comparison(compared: &Compared<'_>) -> String {
    let mut table = table(HEADER);
    let untouched = compared.evaluations.iter().find_map(most);
    for (position, evaluation) in compared.evaluations.iter().enumerate() {
        let size = compared.sizes.get(position).copied().flatten();
        let mut about = [
            evaluation.variant.clone(),
            evaluation.runner.clone(),
            size.map(bytes).unwrap_or_default(),
            evaluation.objection().unwrap_or_else(|| "ok".to_owned()),
        ];
        let mut error = error(compared.records, evaluation);
        let told = told(compared, evaluation);
        if told.is_empty() {
            let rest = [const { String::new() }; 6].into_iter().chain([error]);
            table.add_row(about.into_iter().chain(rest));
            continue;
        }
        for measurement in told {
            let mark = if is_chosen(compared.choice, evaluation, measurement) {
                "*"
            } else {
                ""
            };
            let numbers = numbers(measurement, mark);
            let speed_up = untouched.map(|base| measurement.throughput / base.throughput);
            let speed_up = speed_up.filter(|ratio| ratio.is_finite());
            let speed_up = speed_up.map(|ratio| format!("{ratio:.2}x"));
            let rest = [speed_up.unwrap_or_default(), std::mem::take(&mut error)];
            table.add_row(about.iter().cloned().chain(numbers).chain(rest));
            // What is said once is not said again for each batch.
            about = Default::default();
        }
    }
    text(&table)
}

/// The measurement of most throughput.
fn most(evaluation: &Evaluation) -> Option<&Measurement> {
    let higher =
        |one: &&Measurement, other: &&Measurement| one.throughput.total_cmp(&other.throughput);
    let plain = |one: &&Measurement| one.throughput.is_finite();
    evaluation.measurements.iter().filter(plain).max_by(higher)
}

fn told<'a>(compared: &Compared<'_>, evaluation: &'a Evaluation) -> Vec<&'a Measurement> {
    let all = evaluation.measurements.iter();
    if compared.every_batch {
        return all.collect();
    }
    let chosen = all
        .clone()
        .find(|one| is_chosen(compared.choice, evaluation, one));
    chosen.or_else(|| most(evaluation)).into_iter().collect()
}

fn is_chosen(choice: Option<&Choice>, evaluation: &Evaluation, measurement: &Measurement) -> bool {
    choice.is_some_and(|choice| {
        choice.runtime.variant == evaluation.variant
            && choice.runtime.runner == evaluation.runner
            && choice.measurement == *measurement
    })
}

/// A noisy measurement is marked by a tilde.
fn numbers(measurement: &Measurement, mark: &str) -> [String; 5] {
    let batch = measurement
        .batch
        .map_or_else(|| "-".to_owned(), |batch| batch.to_string());
    let latency = &measurement.latency;
    let spread = measurement
        .uncertainty
        .map(|part| format!(" ±{:.1}%", part * 100.0))
        .unwrap_or_default();
    let noisy = if measurement.noisy { "~" } else { "" };
    [
        format!("{batch}{mark}"),
        format!("{noisy}{}{spread}", milliseconds(latency.p50_ms)),
        milliseconds(latency.p95_ms),
        milliseconds(latency.p99_ms),
        format!("{:.1}", measurement.throughput),
    ]
}

/// Three digits that say something.
fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// The largest differences from the original, absolute and relative, over all outputs.
fn error(records: &[Record], evaluation: &Evaluation) -> String {
    let own = records.iter().filter(|record| {
        record.step == CORRECTNESS
            && record.variant == evaluation.variant
            && record.runner == evaluation.runner
    });
    let comparisons: Vec<&Comparison> = own.flat_map(|record| &record.comparisons).collect();
    let largest = |of: fn(&Comparison) -> Option<f64>| {
        comparisons
            .iter()
            .filter_map(|comparison| of(comparison))
            .reduce(f64::max)
    };
    let absolute = largest(|comparison| comparison.largest_absolute);
    let relative = largest(|comparison| comparison.largest_relative);
    match (absolute, relative) {
        (Some(0.0), _) => "none".to_owned(),
        (Some(absolute), Some(relative)) => format!("{absolute:.1e} abs, {relative:.1e} rel"),
        (Some(absolute), None) => format!("{absolute:.1e} abs"),
        _ => String::new(),
    }
}
