//! How fast engines of TensorRT are that the runner builds: of a network of the size of `ResNet-50` and an encoder of the size of BERT, at
//! batch 1, 8 and 32, with runs as they are and recorded. `scripts/gpu-check` runs it on a host that has a GPU and TensorRT.
//!
//! `cargo bench -p nav-benches --bench gpu_tensorrt`; without them it says what is missing.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::{encoder, residual, runtimes};
use nav_package_format::onnx::proto::ModelProto;
use nav_package_format::{DType, Device, Format, Shape};
use nav_runners::{
    Declaration, LoadOptions, Loaded, ModelFile, Probe, Runner, Session, TensorDesc,
};
use nav_worker::all_runners;

const BATCHES: [usize; 3] = [1, 8, 32];

const ROUNDS: usize = 7;

/// How long a turn is, about.
const TURN: Duration = Duration::from_millis(400);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A model that is measured.
struct Subject {
    name: &'static str,
    model: fn() -> ModelProto,
    dtype: DType,
    /// Extents after the batch.
    extents: &'static [usize],
    /// What engines are built for.
    built_for: &'static [(&'static str, &'static str)],
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        name: "residual",
        model: residual::residual,
        dtype: DType::Fp32,
        extents: &[3, 224, 224],
        built_for: &[("tensorrt.extent.batch", "1:8:32")],
    },
    Subject {
        name: "encoder",
        model: encoder::encoder,
        dtype: DType::Int64,
        extents: &[128],
        built_for: &[
            ("tensorrt.extent.batch", "1:8:32"),
            ("tensorrt.extent.sequence", "128"),
        ],
    },
];

#[expect(clippy::print_stderr, reason = "what was not measured must be said")]
fn main() -> Outcome<()> {
    let mut record = Record::new("gpu_tensorrt");
    let runner = all_runners().find(|runner| runner.name() == "TensorRT");
    let runner = runner.ok_or("there is no runner TensorRT")?;
    match runner.probe(&runtimes::libraries()) {
        Probe::Ready { .. } => {
            for subject in &SUBJECTS {
                measure(runner, subject, &mut record)?;
            }
        }
        Probe::Missing { reason, .. } => eprintln!("TensorRT was not measured: {reason}"),
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
    let entries = subject.built_for.iter().chain(more);
    options.settings.config_entries = entries
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    options
}

/// Rows per second at every batch.
fn sweep(
    loaded: &Arc<dyn Loaded>,
    (subject, runs): (&Subject, &str),
    record: &mut Record,
) -> Outcome<()> {
    let mut session = Arc::clone(loaded).session()?;
    for batch in BATCHES {
        let shape = Shape::new(std::iter::once(batch).chain(subject.extents.iter().copied()));
        let byte_size = shape.byte_size(subject.dtype)?.unwrap_or(0);
        let desc = TensorDesc {
            index: 0,
            dtype: subject.dtype,
            shape,
            byte_size,
        };
        for memory in session.stage(std::slice::from_ref(&desc))? {
            memory.fill(0);
        }
        // Before anything counts: a run is recorded when its shapes come again.
        timed(session.as_mut(), 5)?;
        let one = timed(session.as_mut(), 10)?.as_secs_f64() / 10.0;
        let calls = (TURN.as_secs_f64() / one).clamp(5.0, 2000.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 5 and 2000"
        )]
        let calls = calls as u32;
        let rows = f64::from(calls) * f64::from(u32::try_from(batch)?);
        let mut rates = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            rates.push(rows / timed(session.as_mut(), calls)?.as_secs_f64());
        }
        let name = subject.name;
        record.result(
            &format!("{name}, batch {batch}, {runs}, rows per second"),
            median(&mut rates),
        );
    }
    Ok(())
}

fn timed(session: &mut dyn Session, calls: u32) -> Outcome<Duration> {
    let began = Instant::now();
    for _ in 0..calls {
        session.run()?;
    }
    Ok(began.elapsed())
}
