//! The comparison of variants, for people: one table for every command that compares.

use nav_navigator::report::{
    is_chosen, largest_error, milliseconds, speed_up, told, untouched, went_wrong,
};
use nav_package_format::package::{Choice, Evaluation, Measurement, Record, Runtime};

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

/// The table, with the chosen batch marked by a star, and why some of the variants must not be chosen.
pub(crate) fn comparison(compared: &Compared<'_>) -> String {
    let mut sections = vec![compared_table(compared)];
    let reasons = compared.evaluations.iter().filter_map(|evaluation| {
        evaluation.objection()?;
        let mut wrong = went_wrong(compared.records, evaluation);
        let reason = wrong.find_map(|record| record.reason.as_deref())?;
        Some(format!("out: {}: {reason}", Runtime::of(evaluation)))
    });
    let reasons: Vec<String> = reasons.collect();
    if !reasons.is_empty() {
        sections.push(reasons.join("\n"));
    }
    sections.join("\n\n")
}

fn compared_table(compared: &Compared<'_>) -> String {
    let mut table = table(HEADER);
    let untouched = untouched(compared.evaluations);
    for (position, evaluation) in compared.evaluations.iter().enumerate() {
        let size = compared.sizes.get(position).copied().flatten();
        let mut about = [
            evaluation.variant.clone(),
            evaluation.runner.clone(),
            size.map(bytes).unwrap_or_default(),
            evaluation.objection().unwrap_or_else(|| "ok".to_owned()),
        ];
        let mut error = largest_error(compared.records, evaluation).to_string();
        let rows = rows(compared, evaluation);
        if rows.is_empty() {
            let rest = [const { String::new() }; 6].into_iter().chain([error]);
            table.add_row(about.into_iter().chain(rest));
            continue;
        }
        for measurement in rows {
            let mark = if is_chosen(compared.choice, evaluation, measurement) {
                "*"
            } else {
                ""
            };
            let numbers = numbers(measurement, mark);
            let speed_up = untouched.and_then(|untouched| speed_up(measurement, untouched));
            let speed_up = speed_up.map(|speed_up| speed_up.text('x'));
            let rest = [speed_up.unwrap_or_default(), std::mem::take(&mut error)];
            table.add_row(about.iter().cloned().chain(numbers).chain(rest));
            // What is said once is not said again for each batch.
            about = Default::default();
        }
    }
    let legend = legend(compared, untouched);
    [text(&table)]
        .into_iter()
        .chain(legend)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What the signs of the table mean, as far as it has them.
fn legend(compared: &Compared<'_>, untouched: Option<&Evaluation>) -> Option<String> {
    let mut told = compared
        .evaluations
        .iter()
        .flat_map(|evaluation| rows(compared, evaluation));
    let noisy = told.any(|measurement| {
        let speed_up = untouched.and_then(|untouched| speed_up(measurement, untouched));
        measurement.noisy || speed_up.is_some_and(|speed_up| speed_up.noisy)
    });
    let noisy = noisy.then(|| "~ noisy: a median is less sure than was asked for".to_owned());
    let speed_up = untouched.map(|untouched| {
        let (variant, runner) = (&untouched.variant, &untouched.runner);
        format!("speed-up: over {variant} on {runner} at the same batch, or at its best where it was not measured there")
    });
    let lines: Vec<String> = noisy.into_iter().chain(speed_up).collect();
    (!lines.is_empty()).then(|| format!("\n{}", lines.join("\n")))
}

fn rows<'a>(compared: &Compared<'_>, evaluation: &'a Evaluation) -> Vec<&'a Measurement> {
    if compared.every_batch {
        return evaluation.measurements.iter().collect();
    }
    told(compared.choice, evaluation).into_iter().collect()
}

/// The median latency in milliseconds, and how sure it is. A tilde marks what is noisy.
pub(super) fn median(measurement: &Measurement) -> String {
    let spread = measurement
        .uncertainty
        .map(|part| format!(" ±{:.1}%", part * 100.0))
        .unwrap_or_default();
    let noisy = if measurement.noisy { "~" } else { "" };
    format!(
        "{noisy}{}{spread}",
        milliseconds(measurement.latency.p50_ms)
    )
}

fn numbers(measurement: &Measurement, mark: &str) -> [String; 5] {
    let batch = measurement
        .batch
        .map_or_else(|| "-".to_owned(), |batch| batch.to_string());
    let latency = &measurement.latency;
    [
        format!("{batch}{mark}"),
        median(measurement),
        milliseconds(latency.p95_ms),
        milliseconds(latency.p99_ms),
        format!("{:.1}", measurement.throughput),
    ]
}
