//! How fast engines of TensorRT are that the runner builds: of a network of the size of `ResNet-50` and an encoder of the size of BERT, at
//! batch 1, 8 and 32, with runs as they are and recorded. `scripts/gpu-check` runs it on a host that has a GPU and TensorRT.
//!
//! `cargo bench -p nav-benches --bench gpu_tensorrt`; without them it says what is missing.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nav_benches::on_gpu::{
    BATCHES, Outcome, ROUNDS, SUBJECTS, Subject, calls_of_a_turn, fill, is_ready, timed,
};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::runtimes;
use nav_package_format::{Device, Format};
use nav_runners::{Declaration, LoadOptions, Loaded, ModelFile, Runner};
use nav_worker::all_runners;

fn main() -> Outcome<()> {
    let mut record = Record::new("gpu_tensorrt");
    let runner = all_runners().find(|runner| runner.name() == "TensorRT");
    let runner = runner.ok_or("there is no runner TensorRT")?;
    if is_ready(runner) {
        for subject in &SUBJECTS {
            measure(runner, subject, &mut record)?;
        }
    }
    Ok(record.print()?)
}

/// Builds an engine, and measures it as it is and with its runs recorded.
fn measure(runner: &dyn Runner, subject: &Subject, record: &mut Record) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let graph = folder.path().join("model.onnx");
    (subject.model)().write(&graph)?;
    let engine = folder.path().join("model.plan");
    let began = Instant::now();
    let loaded = runner.load(
        &file(&graph, Format::Onnx),
        &LoadOptions {
            save_to: Some(engine.clone()),
            ..options(subject, &[])
        },
    )?;
    let took = began.elapsed().as_secs_f64();
    record.result(&format!("{}, seconds to build", subject.name), took);
    sweep(&loaded, (subject, "as they are"), record)?;
    let recorded = runner.load(
        &file(&engine, Format::TensorRt),
        &LoadOptions {
            declared: Some(Declaration {
                signature: loaded.signature().clone(),
                ..Declaration::default()
            }),
            ..options(subject, &[("cuda.graph", "1")])
        },
    )?;
    sweep(&recorded, (subject, "recorded"), record)
}

fn file(path: &Path, format: Format) -> ModelFile {
    ModelFile {
        path: path.to_owned(),
        format,
    }
}

fn options(subject: &Subject, more: &[(&str, &str)]) -> LoadOptions {
    let mut options = LoadOptions {
        device: Device::Cuda(0),
        libraries: runtimes::libraries(),
        ..LoadOptions::default()
    };
    let entries = built_for(subject).iter().chain(more);
    options.settings.config_entries = entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    options
}

/// What engines are built for.
fn built_for(subject: &Subject) -> &'static [(&'static str, &'static str)] {
    const BATCH: (&str, &str) = ("tensorrt.extent.batch", "1:8:32");
    match subject.name {
        "encoder" => &[BATCH, ("tensorrt.extent.sequence", "128")],
        _ => &[BATCH],
    }
}

/// Rows per second at every batch.
fn sweep(
    loaded: &Arc<dyn Loaded>,
    (subject, runs): (&Subject, &str),
    record: &mut Record,
) -> Outcome<()> {
    let mut session = Arc::clone(loaded).session()?;
    for batch in BATCHES {
        fill(session.as_mut(), &subject.desc(batch)?)?;
        // Before anything counts: a run is recorded when its shapes come again.
        let mut run = |calls: u32| timed(calls, || Ok(session.run().map(drop)?));
        run(5)?;
        let calls = calls_of_a_turn(run(10)?);
        let rows = f64::from(calls) * f64::from(u32::try_from(batch)?);
        let mut rates = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            rates.push(rows / run(calls)?.as_secs_f64());
        }
        let name = subject.name;
        record.result(
            &format!("{name}, batch {batch}, {runs}, rows per second"),
            median(&mut rates),
        );
    }
    Ok(())
}
