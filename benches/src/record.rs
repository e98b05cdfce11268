//! The one line of JSON that each bench prints: where it ran, medians, and what they come to.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a bench found out.
#[derive(Debug, Serialize)]
pub struct Record {
    bench: &'static str,
    processor: String,
    cores: usize,
    /// Processes that wanted to run in the minute before, as the system counts them.
    load: String,
    medians_ns: BTreeMap<String, f64>,
    results: BTreeMap<String, f64>,
    bars: BTreeMap<String, Bar>,
}

/// A limit, and whether it was kept.
#[derive(Debug, Serialize)]
struct Bar {
    limit: f64,
    met: bool,
}

impl Record {
    /// An empty record of this bench on this host.
    pub fn new(bench: &'static str) -> Self {
        Self {
            bench,
            processor: processor(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: first_word("/proc/loadavg"),
            medians_ns: BTreeMap::new(),
            results: BTreeMap::new(),
            bars: BTreeMap::new(),
        }
    }

    /// Adds medians, each name with this before it.
    pub fn add(&mut self, prefix: &str, medians: Vec<(String, f64)>) {
        let named = medians.into_iter();
        self.medians_ns
            .extend(named.map(|(name, median)| (format!("{prefix}{name}"), median)));
    }

    /// A median that was added; not a number where there is none.
    pub fn median(&self, name: &str) -> f64 {
        self.medians_ns.get(name).copied().unwrap_or(f64::NAN)
    }

    /// Adds something computed from medians. It is told at once too: a run that is stopped has not been for nothing.
    #[expect(clippy::print_stderr, reason = "this is the progress of a bench")]
    pub fn result(&mut self, name: &str, value: f64) {
        let value = (value * 1e3).round() / 1e3;
        eprintln!("{name}: {value}");
        self.results.insert(name.to_owned(), value);
    }

    /// Adds a result that should stay below a limit.
    pub fn bar(&mut self, name: &str, value: f64, limit: f64) {
        self.result(name, value);
        let met = value < limit;
        self.bars.insert(name.to_owned(), Bar { limit, met });
    }

    /// Adds a result that should reach a limit.
    pub fn least(&mut self, name: &str, value: f64, limit: f64) {
        self.result(name, value);
        let met = value >= limit;
        self.bars.insert(name.to_owned(), Bar { limit, met });
    }

    /// The names of what is not as it should be.
    pub fn unmet(&self) -> Vec<&str> {
        let bars = self.bars.iter();
        bars.filter(|(_, bar)| !bar.met)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Prints the line.
    #[expect(clippy::print_stdout, reason = "this is the output of a bench")]
    pub fn print(&self) -> serde_json::Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}

/// Whether something of this name is to be measured: those that the command line names, or all.
pub fn asked(name: &str) -> bool {
    // Cargo adds a flag of its own.
    let mut names = std::env::args().skip(1).filter(|it| !it.starts_with('-'));
    let first = names.next();
    first.is_none_or(|first| std::iter::once(first).chain(names).any(|it| it == name))
}

fn processor() -> String {
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = facts.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':'));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

fn first_word(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}
