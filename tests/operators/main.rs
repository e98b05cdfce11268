//! Runs the official ONNX operator cases on the runners and compares the failures with committed lists.
//!
//! `scripts/onnx-operators` fetches the cases and calls this; see README.md beside this file.

mod attempt;
mod case;
mod compare;
mod expected;
mod failure;
mod report;
mod tensor;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use attempt::{Attempts, CHILD};
use case::Case;
use clap::Parser;
use failure::Failure;
use nav_runners::{Libraries, Probe, RUNNERS, Runner};
use nav_worker::child;

/// What can be asked.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of cases, as `export.py` writes it.
    cases: PathBuf,
    /// Folder below which vendor runtimes are installed.
    #[arg(long, value_name = "FOLDER")]
    runtimes: Option<PathBuf>,
    /// Runner to try the cases on; may be given more than once.
    #[arg(long = "runner", value_name = "NAME", default_values = ["OnnxCPU", "TractCPU"])]
    runners: Vec<String>,
    /// Tries only cases whose name contains this.
    #[arg(long, value_name = "TEXT", conflicts_with = "update_expectations")]
    only: Option<String>,
    /// Writes what fails now to the lists of what may fail.
    #[arg(long)]
    update_expectations: bool,
    /// Folder of those lists.
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/operators/expected"))]
    expected: PathBuf,
}

type Outcomes<'case> = BTreeMap<&'case str, Result<(), Failure>>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == CHILD)
    {
        child::run(RUNNERS)?;
        return Ok(ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    let mut cases = Case::all(&arguments.cases)?;
    if let Some(text) = &arguments.only {
        cases.retain(|case| case.facts.name.contains(text));
    }
    let mut as_listed = true;
    for name in &arguments.runners {
        as_listed &= try_all(&arguments, name, &cases)?;
    }
    Ok(if as_listed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Tries all cases on one runner and says whether everything went as listed.
fn try_all(arguments: &Arguments, name: &str, cases: &[Case]) -> Result<bool, Box<dyn Error>> {
    let runner = *RUNNERS
        .iter()
        .find(|runner| runner.name() == name)
        .ok_or_else(|| format!("there is no runner {name}"))?;
    let libraries = Libraries {
        runtimes_folder: arguments.runtimes.clone(),
        ..Libraries::default()
    };
    if let Probe::Missing {
        reason,
        how_to_get_it,
    } = runner.probe(&libraries)
    {
        return Err(format!("{name} does not work here: {reason} ({how_to_get_it})").into());
    }
    let attempts = Attempts::new(runner, std::env::current_exe()?, libraries);
    let outcomes = outcomes(&attempts, cases);
    report::totals(name, &outcomes);
    let path = expected::path(&arguments.expected, name);
    if arguments.update_expectations {
        let failures = outcomes.into_iter();
        let failures =
            failures.filter_map(|(case, outcome)| Some((case.to_owned(), outcome.err()?)));
        expected::write(&path, &failures.collect())?;
        return Ok(true);
    }
    let listed = expected::read(&path)?;
    let surprises = expected::surprises(&listed, &outcomes, arguments.only.is_none());
    report::surprises(name, &surprises);
    Ok(surprises.is_empty())
}

/// What each case gives, tried by as many threads as there are processors.
fn outcomes<'case>(attempts: &Attempts, cases: &'case [Case]) -> Outcomes<'case> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Outcomes::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = attempts.attempt(case);
                    let mut outcomes = outcomes
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    outcomes.insert(&case.facts.name, outcome);
                }
            });
        }
    });
    outcomes
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
