//! How a server runs the package unless told otherwise, and what was measured through its batching.

use nav_package_format::package::record::SERVING;
use nav_package_format::package::{Manifest, Measurement};
use serde::Serialize;

use crate::report::compare::milliseconds;
use crate::report::words::{batch, counted, per_second};

/// How a server runs it.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Served {
    rows: Vec<(&'static str, String)>,
    /// What was measured through the server: variant, batch, median, p99, throughput.
    measured: Vec<[String; 5]>,
}

/// How a server runs it; nothing where the package does not say.
pub(in crate::report) fn serving(manifest: &Manifest) -> Option<Served> {
    let serving = manifest.serving.as_ref()?;
    let mut rows = vec![
        (
            "Variant",
            format!("{} on {}", serving.variant, serving.runner),
        ),
        (
            "Largest batch",
            match serving.max_batch {
                Some(batch) => batch.to_string(),
                None => "no batches are formed".to_owned(),
            },
        ),
    ];
    if !serving.preferred_batches.is_empty() {
        let preferred = serving.preferred_batches.iter().map(ToString::to_string);
        let preferred: Vec<String> = preferred.collect();
        rows.push(("Preferred batches", preferred.join(", ")));
    }
    rows.push((
        "Waits for a batch",
        format!("up to {} µs", serving.queue_delay_us),
    ));
    let threads = serving
        .threads
        .map(|count| format!(", {} each", counted(count, "thread")));
    rows.push((
        "Side by side",
        format!(
            "{}{}",
            counted(serving.instances, "session"),
            threads.unwrap_or_default()
        ),
    ));
    let records = manifest
        .records
        .iter()
        .filter(|record| record.step == SERVING);
    let measured = records.flat_map(|record| {
        let name = format!("{} on {}", record.variant, record.runner);
        let row = move |one: &Measurement| {
            [
                name.clone(),
                batch(one.batch),
                milliseconds(one.latency.p50_ms),
                milliseconds(one.latency.p99_ms),
                per_second(one.throughput),
            ]
        };
        record.measurements.iter().map(row)
    });
    Some(Served {
        measured: measured.collect(),
        rows,
    })
}
