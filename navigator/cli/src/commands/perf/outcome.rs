//! What is told of a measurement: a table or JSON, lines of commas, a report.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use nav_navigator::whole_file::write_whole;
use nav_perf::Level;

use super::PerfArgs;
use super::record::{Document, commas};
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
            Some((kind, tally)) => bail!(
                "no request to `{}` on {} was answered: {kind}: {}",
                subject.name,
                subject.place,
                tally.example
            ),
            None => bail!("nothing was measured before the end"),
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written: std::io::Result<()> = write_whole(path, |file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
