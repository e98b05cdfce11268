//! What of a model's own rate is left when it is served, and what batching gains: a network of the size of `ResNet-50`
//! at saturation beside the bare loop over the same runner, a perceptron with batching and without.
//! `cargo bench -p nav-benches --bench serving_models`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_benches::load::{Row, closed};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::{perceptron, residual, runtimes, served};
use nav_engine::{BatchPolicy, ModelOptions, ModelSpec, RunnerBackend};
use nav_package_format::onnx::proto::ModelProto;
use nav_package_format::{DType, Shape};
use nav_perf::Protocol;
use nav_runners::{Loaded, TensorDesc};

const ROUNDS: usize = 5;

const SLICE: Duration = Duration::from_secs(3);

/// The same for the network, whose answers come in few batches: one more or less must not matter.
const LONG_SLICE: Duration = Duration::from_secs(9);

/// Rows of a batch of the network.
const BATCH: usize = 8;

/// How much of the bare loop must be left.
const LEFT: f64 = 0.97;

/// How many times as much batching must gain.
const GAIN: f64 = 3.0;

const NETWORK: Row = Row {
    model: "network",
    input: "pixels",
    extents: &[3, 224, 224],
    output: "scores",
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let network = load(
        &folder.path().join("network.onnx"),
        &residual::residual(),
        None,
    )?;
    let perceptron = load(
        &folder.path().join("perceptron.onnx"),
        &perceptron::perceptron(),
        Some(1),
    )?;
    let spec = |loaded: &Arc<dyn Loaded>, options| {
        ModelSpec::new(RunnerBackend::new(Arc::clone(loaded)), options)
    };
    let served = served::models([
        ("network", spec(&network, ModelOptions::batched(BATCH))),
        ("batched", spec(&perceptron, together(64))),
        ("alone", spec(&perceptron, ModelOptions::default())),
    ])?;
    let mut record = Record::new("serving_models");
    let (mut bare, mut rates, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let directly = rows_a_second(&network)?;
        let through = ask(&served, (&NETWORK, 2 * BATCH), LONG_SLICE)?;
        bare.push(directly);
        rates.push(through);
        left.push(through / directly);
    }
    record.result("network, bare loop, rows per second", median(&mut bare));
    record.result("network, served, rows per second", median(&mut rates));
    record.least("network, served of the bare loop", median(&mut left), LEFT);
    let row = |model| Row {
        model,
        input: "x",
        extents: &[784],
        output: "y",
    };
    let (mut batched, mut alone, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let with = ask(&served, (&row("batched"), 64), SLICE)?;
        let without = ask(&served, (&row("alone"), 64), SLICE)?;
        batched.push(with);
        alone.push(without);
        gains.push(with / without);
    }
    record.result("perceptron, batched, per second", median(&mut batched));
    record.result("perceptron, alone, per second", median(&mut alone));
    record.least("perceptron, gain of batching", median(&mut gains), GAIN);
    Ok(record.print()?)
}

/// Batches of up to so many rows, for which a request waits a little.
fn together(rows: usize) -> ModelOptions {
    ModelOptions {
        batching: Some(BatchPolicy {
            delay: Duration::from_micros(200),
            ..BatchPolicy::default()
        }),
        ..ModelOptions::batched(rows)
    }
}

fn load(
    path: &Path,
    model: &ModelProto,
    threads: Option<usize>,
) -> Result<Arc<dyn Loaded>, Box<dyn Error>> {
    model.write(path)?;
    Ok(runtimes::onnx(path, threads).load()?)
}

fn ask(
    served: &served::Served,
    (row, concurrency): (&Row, usize),
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let level = closed((served.http, Protocol::Http), row, concurrency, time)?;
    Ok(level.throughput)
}

/// Rows that the network does in a second when nothing stands around it.
fn rows_a_second(network: &Arc<dyn Loaded>) -> Result<f64, Box<dyn Error>> {
    let mut session = Arc::clone(network).session()?;
    let shape = Shape::from([BATCH, 3, 224, 224]);
    let size = 4 * shape.element_count()?;
    let desc = TensorDesc {
        index: 0,
        dtype: DType::Fp32,
        shape,
        byte_size: size,
    };
    let input = vec![0; size];
    let mut once = || -> Result<(), Box<dyn Error>> {
        for memory in session.stage(std::slice::from_ref(&desc))? {
            memory.copy_from_slice(&input);
        }
        session.run()?;
        Ok(())
    };
    once()?;
    let began = Instant::now();
    let mut rows = 0;
    while began.elapsed() < SLICE {
        once()?;
        rows += BATCH;
    }
    Ok(rate(rows, began))
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are small")]
fn rate(rows: usize, began: Instant) -> f64 {
    rows as f64 / began.elapsed().as_secs_f64()
}
