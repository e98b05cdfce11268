//! How long `nav optimize` takes for a small model on a quiet machine, how much of that is not measuring, and whether it
//! chooses the same beside two busy loops, run after run.
//!
//! `cargo build --release -p nav-cli && cargo bench -p nav-benches --bench optimize_runs -- [quiet] [loaded]`

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nav_benches::record::Record;
use nav_benches::{optimizing, perceptron};
use nav_package_format::archive::Limits;
use nav_package_format::package::{MaxThroughput, Package, Strategy};

/// Runs on the quiet machine; an odd number, so that one is in the middle.
const QUIET: usize = 7;

/// Runs beside busy loops.
const LOADED: usize = 20;

/// How many of those must choose a batch within one power of two of the usual one.
const ALIKE: f64 = 19.0;

/// How long a run may take, in seconds.
const WALL: f64 = 2.0;

/// How much of that may be something else than measuring.
const NOT_MEASURING: f64 = 0.5;

fn main() -> Result<(), Box<dyn Error>> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name: &str| {
        // Cargo adds a flag of its own.
        let mut names = asked
            .iter()
            .filter(|name| !name.starts_with('-'))
            .peekable();
        names.peek().is_none() || names.any(|asked| asked == name)
    };
    let folder = tempfile::tempdir()?;
    let model = folder.path().join("perceptron.onnx");
    perceptron::perceptron().write(&model)?;
    let mut record = Record::new("optimize_runs");
    if is_asked("quiet") {
        quiet(&model, &mut record)?;
    }
    if is_asked("loaded") {
        loaded(&model, &mut record)?;
    }
    Ok(record.print()?)
}

/// With default settings, as a user types it.
fn quiet(model: &Path, record: &mut Record) -> Result<(), Box<dyn Error>> {
    let (mut walls, mut others) = (Vec::new(), Vec::new());
    for _ in 0..QUIET {
        let started = Instant::now();
        let output = optimizing::optimize(model)?.arg("--json").output()?;
        let wall = started.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(format!("nav optimize ended with {}", output.status).into());
        }
        let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let measuring = told["timeline"]["measuring_ms"].as_f64();
        let measuring = measuring.ok_or("it does not say how long it measured")? / 1e3;
        say(&format!("{wall:.2} s, {measuring:.2} s of it measuring"));
        walls.push(wall);
        others.push(wall - measuring);
    }
    record.result(
        "quiet, longest, s",
        walls.iter().copied().fold(0.0, f64::max),
    );
    record.bar("quiet, median, s", middle(&mut walls), WALL);
    record.bar(
        "quiet, not measuring, median, s",
        middle(&mut others),
        NOT_MEASURING,
    );
    Ok(())
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Beside two busy loops. It may fail to write a package, which is what this is about.
fn loaded(model: &Path, record: &mut Record) -> Result<(), Box<dyn Error>> {
    let is_over = AtomicBool::new(false);
    let runs = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let runs: Result<Vec<_>, _> = (0..LOADED).map(|_| one_loaded(model)).collect();
        is_over.store(true, Ordering::Relaxed);
        runs
    })?;
    let mut walls: Vec<f64> = runs.iter().map(|run| run.0.as_secs_f64()).collect();
    let mut batches: Vec<usize> = runs.iter().filter_map(|run| run.1).collect();
    batches.sort_unstable();
    let packages = batches.len();
    let usual = batches.get(packages / 2).copied().unwrap_or_default();
    let alike = |batch: &usize| *batch <= usual * 2 && usual <= *batch * 2;
    let alike = batches.iter().filter(|batch| alike(batch)).count();
    record.result("loaded, median, s", middle(&mut walls));
    record.result("loaded, usual batch", f64::from(u32::try_from(usual)?));
    let count = |number: usize| u32::try_from(number).map(f64::from);
    record.least("loaded, packages", count(packages)?, count(LOADED)?);
    record.least("loaded, batches alike", count(alike)?, ALIKE);
    Ok(())
}

/// How long it took, and the batch that was chosen, if there is a package.
fn one_loaded(model: &Path) -> Result<(Duration, Option<usize>), Box<dyn Error>> {
    let package = model.with_extension("nav");
    if package.exists() {
        std::fs::remove_file(&package)?;
    }
    let started = Instant::now();
    let mut command = optimizing::optimize(model)?;
    command.args(["--strategy", "max-throughput"]);
    let status = command.stdout(Stdio::null()).status()?;
    let took = started.elapsed();
    if !status.success() {
        say(&format!("{status} after {:.2} s", took.as_secs_f64()));
        return Ok((took, None));
    }
    let choice =
        MaxThroughput.choose(&Package::open(&package, &Limits::default())?.evaluations())?;
    let (variant, batch) = (&choice.runtime.variant, choice.measurement.batch);
    let throughput = choice.measurement.throughput;
    say(&format!(
        "{:.2} s: {variant}, batch {}, {throughput:.0}/s",
        took.as_secs_f64(),
        batch.unwrap_or(1)
    ));
    Ok((took, Some(batch.unwrap_or(1))))
}

#[expect(
    clippy::print_stderr,
    reason = "each run is for people; the record holds what they come to"
)]
fn say(text: &str) {
    eprintln!("{text}");
}
