//! `nav show` for people.

use nav_navigator::report::milliseconds;
use nav_package_format::package::record::SERVING;
use nav_package_format::package::{Choice, Manifest, Record};

use super::comparison::{Compared, comparison, median};
use crate::commands::show::Shown;

/// What the package is, how its variants did, the choice, and what is wrong.
pub(crate) fn package(shown: &Shown<'_>) -> String {
    let sizes: Vec<Option<u64>> = shown.variants.iter().map(|variant| variant.bytes).collect();
    let compared = Compared {
        evaluations: shown.evaluations,
        sizes: &sizes,
        records: shown.records,
        choice: shown.choice.as_ref(),
        every_batch: shown.every_batch,
    };
    let mut sections = vec![about(shown), comparison(&compared)];
    match (&shown.choice, &shown.no_choice) {
        (Some(choice), _) => sections.push(chosen(choice)),
        (None, Some(reason)) => sections.push(reason.clone()),
        (None, None) => {}
    }
    sections.extend(served(shown.manifest));
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
    if let Some(host) = &shown.provenance.host {
        lines.push(format!(
            "measured on {}, {} threads, {}",
            host.processor, host.threads, host.system
        ));
    }
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

/// The choice, why, and what did as well.
pub(crate) fn chosen(choice: &Choice) -> String {
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

/// How a server runs it unless told otherwise.
pub(crate) fn served(manifest: &Manifest) -> Option<String> {
    let serving = manifest.serving.as_ref()?;
    let mut parts = vec![format!("{} on {}", serving.variant, serving.runner)];
    parts.extend(
        serving
            .max_batch
            .map(|batch| format!("batches of up to {batch}")),
    );
    let delay = Some(serving.queue_delay_us).filter(|&delay| delay > 0);
    parts.extend(delay.map(|delay| format!("waiting up to {delay} us")));
    parts.push(counted(serving.instances, "instance"));
    parts.extend(
        serving
            .threads
            .map(|threads| format!("{} each", counted(threads, "thread"))),
    );
    let mut lines = vec![format!("to be served as {}", parts.join(", "))];
    let records = manifest.records.iter();
    let (own, others): (Vec<_>, Vec<_>) = records
        .filter(|record| record.step == SERVING)
        .partition(|record| record.is_of(&serving.variant, &serving.runner));
    lines.extend(own.into_iter().filter_map(|record| {
        let told = through_batching(record)?;
        Some(format!(
            "  requests of one row through the server's batching: {told}"
        ))
    }));
    lines.extend(others.into_iter().filter_map(|record| {
        let told = through_batching(record)?;
        Some(format!(
            "  the same with {} on {}: {told}",
            record.variant, record.runner
        ))
    }));
    Some(lines.join("\n"))
}

fn through_batching(record: &Record) -> Option<String> {
    let one = record.measurements.first()?;
    Some(format!(
        "{:.1}/s, p50 ms {}, p99 ms {}",
        one.throughput,
        median(one),
        milliseconds(one.latency.p99_ms)
    ))
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
