//! What came of loads, for people.

use std::time::Duration;

use nav_navigator::report::milliseconds;
use nav_perf::{Ended, Level, Limit, Load, ServerSide};

use super::table::{bytes, table, text};

const HEADER: [&str; 13] = [
    "LOAD",
    "PER SECOND",
    "P50 MS",
    "P90 MS",
    "P95 MS",
    "P99 MS",
    "MAX MS",
    "QUEUE",
    "INPUT",
    "INFER",
    "OUTPUT",
    "CPU",
    "MEMORY",
];

/// The table, and what failed below it.
pub(crate) fn measured(levels: &[Level], batch: usize) -> String {
    let mut table = table(HEADER);
    for row in rows(levels, batch) {
        table.add_row(row);
    }
    let mut told = vec![text(&table)];
    if levels.iter().any(|level| level.ended == Ended::Unsure) {
        told.push("~ is less sure than asked for when time was over".to_owned());
    }
    for level in levels {
        told.extend(failures(level));
    }
    told.join("\n")
}

/// The names of the columns.
pub(crate) fn header() -> Vec<String> {
    HEADER.map(str::to_owned).into()
}

/// The cells of the table.
pub(crate) fn rows(levels: &[Level], batch: usize) -> Vec<Vec<String>> {
    let row = |level: &Level| {
        let mut cells = vec![short(&level.load), throughput(level, batch)];
        cells.extend(latencies(level));
        cells.extend(split(level.server.as_ref()));
        cells.extend(process(level));
        cells
    };
    levels.iter().map(row).collect()
}

/// A load in words.
pub(crate) fn load(load: &Load) -> String {
    match load {
        Load::Closed { concurrency } => format!("{concurrency} at a time"),
        Load::Open { rate, .. } => format!("{rate} a second"),
    }
}

fn short(load: &Load) -> String {
    match load {
        Load::Closed { concurrency } => concurrency.to_string(),
        Load::Open { rate, .. } => format!("{rate}/s"),
    }
}

/// What of a measurement is the generator's.
pub(crate) fn limit(level: &Level) -> Option<String> {
    let generator = &level.generator;
    let percent = |part: f64| format!("{:.0} %", part * 100.0);
    Some(match generator.limit? {
        Limit::Busy => format!(
            "the generator is what limits: a thread of it is busy {} of the time; see --threads",
            percent(generator.busy)
        ),
        Limit::Starved => format!(
            "the generator is what limits: it waited for a processor {} of the time",
            percent(generator.starved)
        ),
        Limit::Late => format!(
            "the generator sent late: one request in a hundred by more than {}",
            super::duration(generator.late)
        ),
        Limit::Connections => format!(
            "{} requests waited for a connection, as every one was busy; see --connections",
            generator.held_back
        ),
    })
}

fn throughput(level: &Level, batch: usize) -> String {
    let spread = level.uncertainty.throughput;
    let spread = spread.map_or_else(String::new, |part| format!(" ±{:.1}%", part * 100.0));
    let noisy = if level.ended == Ended::Unsure {
        "~"
    } else {
        ""
    };
    let rows = if batch > 1 {
        format!(
            " ({:.1} rows)",
            crate::commands::perf::rows(level.throughput, batch)
        )
    } else {
        String::new()
    };
    format!("{noisy}{:.1}{spread}{rows}", level.throughput)
}

fn latencies(level: &Level) -> [String; 5] {
    let found = &level.latencies;
    if found.count() == 0 {
        return [const { String::new() }; 5];
    }
    [
        told(found.quantile(0.5)),
        told(found.quantile(0.9)),
        told(found.quantile(0.95)),
        told(found.quantile(0.99)),
        told(found.max()),
    ]
}

fn told(time: Duration) -> String {
    milliseconds(time.as_secs_f64() * 1e3)
}

fn split(side: Option<&ServerSide>) -> [String; 4] {
    let Some(side) = side.filter(|side| side.succeeded > 0) else {
        return [const { String::new() }; 4];
    };
    [
        side.queue,
        side.compute_input,
        side.compute_infer,
        side.compute_output,
    ]
    .map(|time| told(side.each(time)))
}

fn process(level: &Level) -> [String; 2] {
    let Some(process) = &level.process else {
        return [const { String::new() }; 2];
    };
    let seconds = level.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let busy = process.busy.as_secs_f64() / seconds * 100.0;
    [format!("{busy:.0}%"), bytes(process.memory)]
}

fn failures(level: &Level) -> impl Iterator<Item = String> + '_ {
    let told = level.failures.iter().map(|(_, tally)| {
        let (count, example) = (tally.count, &tally.example);
        format!("{}: {count} failed, {example}", load(&level.load))
    });
    let abandoned = (level.abandoned > 0).then(|| {
        format!(
            "{}: {} were under way when it was ended",
            load(&level.load),
            level.abandoned
        )
    });
    told.chain(abandoned)
}
