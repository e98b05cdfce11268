//! `nav show` for people.

use nav_package_format::package::{Choice, Evaluation, Measurement};

use super::table::{bytes, table, text};
use crate::commands::show::Shown;

/// What the package is, how its variants did, the choice, and what is wrong.
pub(crate) fn package(shown: &Shown<'_>) -> String {
    let mut sections = vec![about(shown), comparison(shown)];
    match (&shown.choice, &shown.no_choice) {
        (Some(choice), _) => sections.push(chosen(choice)),
        (None, Some(reason)) => sections.push(reason.clone()),
        (None, None) => {}
    }
    if !shown.warnings.is_empty() {
        let warnings = shown
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}"));
        sections.push(warnings.collect::<Vec<_>>().join("\n"));
    }
    sections.join("\n\n")
}

fn about(shown: &Shown<'_>) -> String {
    let mut lines = vec![format!(
        "written by {}, format {}",
        shown.written_by, shown.format_version
    )];
    lines.extend(
        shown
            .signature
            .inputs
            .iter()
            .map(|spec| format!("input   {spec}")),
    );
    lines.extend(
        shown
            .signature
            .outputs
            .iter()
            .map(|spec| format!("output  {spec}")),
    );
    lines.join("\n")
}

fn comparison(shown: &Shown<'_>) -> String {
    let header = [
        "VARIANT",
        "RUNNER",
        "SIZE",
        "STATUS",
        "BATCH",
        "P50 MS",
        "P95 MS",
        "P99 MS",
        "PER SECOND",
    ];
    let mut table = table(header);
    for evaluation in shown.evaluations {
        let variant = shown
            .variants
            .iter()
            .find(|shown| shown.variant.name == evaluation.variant);
        let size = variant
            .and_then(|variant| variant.bytes)
            .map(bytes)
            .unwrap_or_default();
        let status = evaluation.objection().unwrap_or_else(|| "ok".to_owned());
        let mut about = [
            evaluation.variant.clone(),
            evaluation.runner.clone(),
            size,
            status,
        ];
        if evaluation.measurements.is_empty() {
            table.add_row(about);
            continue;
        }
        for measurement in &evaluation.measurements {
            let mark = if is_chosen(shown, evaluation, measurement) {
                "*"
            } else {
                ""
            };
            let numbers = numbers(measurement, mark);
            table.add_row(about.iter().cloned().chain(numbers));
            // What is said once is not said again for each batch.
            about = Default::default();
        }
    }
    text(&table)
}

fn is_chosen(shown: &Shown<'_>, evaluation: &Evaluation, measurement: &Measurement) -> bool {
    shown.choice.as_ref().is_some_and(|choice| {
        choice.runtime.variant == evaluation.variant
            && choice.runtime.runner == evaluation.runner
            && choice.measurement == *measurement
    })
}

fn numbers(measurement: &Measurement, mark: &str) -> [String; 5] {
    let batch = measurement
        .batch
        .map_or_else(|| "-".to_owned(), |batch| batch.to_string());
    let latency = &measurement.latency;
    [
        format!("{batch}{mark}"),
        format!("{:.3}", latency.p50_ms),
        format!("{:.3}", latency.p95_ms),
        format!("{:.3}", latency.p99_ms),
        format!("{:.1}", measurement.throughput),
    ]
}

fn chosen(choice: &Choice) -> String {
    let batch = choice
        .measurement
        .batch
        .map(|batch| format!("batch {batch}: "))
        .unwrap_or_default();
    let mut lines = vec![format!("* {batch}{}", choice.why)];
    if !choice.ties.is_empty() {
        let ties = choice
            .ties
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        lines.push(format!(
            "  a tie with {ties}, as far as can be told; of equals the cheapest is taken"
        ));
    }
    lines.join("\n")
}
