//! What of a model's own rate is left when it is served, and what batching gains: a network of the size of `ResNet-50`
//! at saturation beside the bare loop over the same runner, a small and a wide perceptron with batching and without.
//! `cargo bench -p nav-benches --bench serving_models`.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nav_benches::load::{Row, call, closed};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::{bare, perceptron, residual, runtimes, served};
use nav_engine::{BatchPolicy, ModelOptions, ModelSpec, RunnerBackend};
use nav_package_format::Signature;
use nav_package_format::onnx::proto::ModelProto;
use nav_perf::Protocol;
use nav_runners::{LoadError, Loaded, Outputs, RunError, Session, Staged, TensorDesc};

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

/// A perceptron, the models that it is served as, and its widths.
struct Subject {
    name: &'static str,
    batched: &'static str,
    alone: &'static str,
    widths: [u16; 4],
}

/// Of the small one the edge and the client cost most, of the wide one the model.
const PERCEPTRONS: [Subject; 2] = [
    Subject {
        name: "perceptron",
        batched: "batched",
        alone: "alone",
        widths: [784, 512, 512, 10],
    },
    Subject {
        name: "wide perceptron",
        batched: "wide-batched",
        alone: "wide-alone",
        widths: [784, 2048, 2048, 10],
    },
];

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
    let spec = |loaded: &Arc<dyn Loaded>, options| {
        ModelSpec::new(RunnerBackend::new(Arc::clone(loaded)), options)
    };
    let ends = Ends::default();
    let noted: Arc<dyn Loaded> = Arc::new(Noted {
        loaded: Arc::clone(&network),
        ends: Arc::clone(&ends),
    });
    let mut models = vec![("network", spec(&noted, ModelOptions::batched(BATCH)))];
    for subject in &PERCEPTRONS {
        let path = folder.path().join(format!("{}.onnx", subject.batched));
        let loaded = load(&path, &perceptron::of(&subject.widths), Some(1))?;
        models.push((subject.batched, spec(&loaded, together(64))));
        models.push((subject.alone, spec(&loaded, ModelOptions::default())));
    }
    let served = served::models(models)?;
    let mut record = Record::new("serving_models");
    let row = call(&NETWORK)?;
    let (mut directs, mut rates, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let directly = bare::rows_a_second(&network, &row.inputs, BATCH, SLICE)?;
        take(&ends);
        ask(&served, (&NETWORK, 2 * BATCH), LONG_SLICE)?;
        let through = steady(&take(&ends)).ok_or("too few full batches")?;
        directs.push(directly);
        rates.push(through);
        left.push(through / directly);
    }
    record.result("network, bare loop, rows per second", median(&mut directs));
    record.result("network, served, rows per second", median(&mut rates));
    record.least("network, served of the bare loop", median(&mut left), LEFT);
    for subject in &PERCEPTRONS {
        gain(&mut record, &served, subject)?;
    }
    Ok(record.print()?)
}

/// Asks a perceptron with batching and without, in turns.
fn gain(
    record: &mut Record,
    served: &served::Served,
    subject: &Subject,
) -> Result<(), Box<dyn Error>> {
    let row = |model| Row {
        model,
        input: "x",
        extents: &[784],
        output: "y",
    };
    let (mut batched, mut alone, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let with = ask(served, (&row(subject.batched), 64), SLICE)?;
        let without = ask(served, (&row(subject.alone), 64), SLICE)?;
        batched.push(with);
        alone.push(without);
        gains.push(with / without);
    }
    let mut note = |what: &str, value| record.result(&format!("{}, {what}", subject.name), value);
    note("batched, per second", median(&mut batched));
    note("alone, per second", median(&mut alone));
    let bar = format!("{}, gain of batching", subject.name);
    record.least(&bar, median(&mut gains), GAIN);
    Ok(())
}

/// When batches ended, and how many rows each had.
type Ends = Arc<Mutex<Vec<(Instant, usize)>>>;

/// A model that notes the end of each run.
#[derive(Debug)]
struct Noted {
    loaded: Arc<dyn Loaded>,
    ends: Ends,
}

#[derive(Debug)]
struct NotedSession {
    session: Box<dyn Session>,
    ends: Ends,
    rows: usize,
}

impl Loaded for Noted {
    fn signature(&self) -> &Signature {
        self.loaded.signature()
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(NotedSession {
            session: Arc::clone(&self.loaded).session()?,
            ends: Arc::clone(&self.ends),
            rows: 0,
        }))
    }
}

impl Session for NotedSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        let first = inputs.first();
        self.rows = first
            .and_then(|input| input.shape.first().copied())
            .unwrap_or_default();
        self.session.stage(inputs)
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let outputs = self.session.run();
        if let Ok(mut ends) = self.ends.lock() {
            ends.push((Instant::now(), self.rows));
        }
        outputs
    }
}

fn take(ends: &Ends) -> Vec<(Instant, usize)> {
    ends.lock()
        .map(|mut it| std::mem::take(&mut *it))
        .unwrap_or_default()
}

/// Rows a second from the end of the first full batch to the end of the last: the first requests find a server that
/// waits for work and the last leave one without, which is no saturation. Whatever is between counts, full or not.
fn steady(ends: &[(Instant, usize)]) -> Option<f64> {
    let is_full = |&(_, rows): &(Instant, usize)| rows == BATCH;
    let first = ends.iter().position(is_full)?;
    let last = ends.iter().rposition(is_full)?;
    let between = ends.get(first + 1..=last).filter(|it| !it.is_empty())?;
    let rows: usize = between.iter().map(|(_, rows)| rows).sum();
    let time = ends.get(last)?.0 - ends.get(first)?.0;
    Some(per_second(rows, time))
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

#[expect(clippy::cast_precision_loss, reason = "counts of rows are small")]
fn per_second(rows: usize, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}
