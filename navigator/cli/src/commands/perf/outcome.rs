//! What is told of a measurement: a table or JSON, lines of commas, a report.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use nav_navigator::report::{self, LoadPoint, LoadReport};
use nav_navigator::whole_file::write_whole;
use nav_perf::{Level, Load};

use super::PerfArgs;
use super::record::{Document, commas, milliseconds};
use super::subject::Subject;
use crate::printer::Printer;
use crate::render;

/// Tells all of it. Fails where not one request was answered.
pub(super) fn tell(
    args: &PerfArgs,
    subject: &Subject,
    levels: &[Level],
    printer: Printer,
) -> anyhow::Result<()> {
    let document = Document::new(args, subject, levels);
    if let Some(path) = &args.csv {
        write(path, &commas(&document))?;
    }
    if let Some(path) = &args.report {
        report::write(path, &report::load_html(&page(args, subject, levels))?)?;
    }
    if args.json {
        Printer::json(&document)?;
    } else {
        let (place, protocol) = (&subject.place, subject.protocol);
        printer.note(&format!("{} on {place}, protocol {protocol}", subject.name));
        Printer::data(&render::measured(levels, args.batch))?;
    }
    for level in levels {
        if let Some(warning) = render::limit(level) {
            printer.note(&format!(
                "warning: {}: {warning}",
                render::load(&level.load)
            ));
        }
    }
    if levels.iter().all(|level| level.latencies.count() == 0) {
        let failures = levels.iter().flat_map(|level| &level.failures);
        match failures.max_by_key(|(_, tally)| tally.count) {
            Some((_, tally)) => bail!(
                "no request to `{}` on {} was answered: {}",
                subject.name,
                subject.place,
                tally.example
            ),
            None => bail!("nothing was measured before the end"),
        }
    }
    Ok(())
}

/// The report: figures as points, and the same texts as in the table.
fn page(args: &PerfArgs, subject: &Subject, levels: &[Level]) -> LoadReport {
    let points = levels.iter().map(|level| {
        let at = |part| milliseconds(level.latencies.quantile(part));
        let amount = match level.load {
            #[expect(clippy::cast_precision_loss, reason = "it is drawn")]
            Load::Closed { concurrency } => concurrency as f64,
            Load::Open { rate, .. } => rate,
        };
        LoadPoint {
            load: render::load(&level.load),
            short: amount.to_string(),
            amount,
            throughput: level.throughput,
            uncertainty: level.uncertainty.throughput,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
        }
    });
    let warnings = levels.iter().filter_map(|level| {
        let limit = render::limit(level)?;
        Some(format!("{}: {limit}.", render::load(&level.load)))
    });
    let failures = levels.iter().flat_map(|level| {
        let of_level = level.failures.iter();
        of_level.map(|(_, tally)| {
            let what = tally.example.to_string();
            [render::load(&level.load), tally.count.to_string(), what]
        })
    });
    let inputs = subject.described.signature.inputs.iter();
    let inputs: Vec<String> = inputs.map(ToString::to_string).collect();
    let about = [
        ("Where", subject.place.clone()),
        ("Protocol", subject.protocol.to_owned()),
        ("Inputs", inputs.join(", ")),
        ("Data", args.data.clone()),
        ("Rows of a request", args.batch.to_string()),
        ("Time for each", args.time.clone()),
        ("Warm-up", args.warm_up.clone()),
    ];
    LoadReport {
        model: subject.name.clone(),
        about: about.map(|(name, value)| (name.to_owned(), value)).into(),
        warnings: warnings.collect(),
        counts: if args.rate.is_some() {
            "requests asked per second".to_owned()
        } else {
            "requests at a time".to_owned()
        },
        points: points.collect(),
        header: render::header(),
        rows: render::rows(levels, args.batch),
        failures: failures.collect(),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written: std::io::Result<()> = write_whole(path, |file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
