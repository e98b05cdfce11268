//! How good the choice of `nav optimize` is, and what it takes: the throughput of what it chose against that
//! of the best of an exhaustive sweep over the same variants and batches, measured here in turns. A Python with
//! `triton-model-navigator` that `NAV_NAVIGATOR_PYTHON` names is given the same model, and what it chose takes turns too.
//!
//! `cargo build --release -p nav-cli && cargo bench -p nav-benches --bench optimize -- [MODEL...]`, of
//! `perceptron`, `residual` and `encoder`.

mod navigator;

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use nav_benches::record::{Record, asked};
use nav_benches::{encoder, optimizing, perceptron, residual, runtimes};
use nav_package_format::archive::Limits;
use nav_package_format::cache::Cache;
use nav_package_format::onnx::proto::ModelProto;
use nav_package_format::package::{MaxThroughput, Package, Strategy, Variant};
use nav_package_format::{DType, Shape, TensorData, TensorSpec};
use nav_runners::{LoadOptions, Loaded, ModelFile, Runner, TensorDesc};

use self::navigator::Choice;

/// A model, and how large its batches and open dimensions may get on a small machine.
struct Subject {
    name: &'static str,
    model: fn() -> ModelProto,
    max_batch: usize,
    dims: &'static [(&'static str, usize)],
    /// How long each variant is measured at each batch, in each round.
    slice: Duration,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "perceptron",
        model: perceptron::perceptron,
        max_batch: 256,
        dims: &[],
        slice: Duration::from_millis(100),
    },
    Subject {
        name: "residual",
        model: residual::residual,
        max_batch: 8,
        dims: &[],
        slice: Duration::from_millis(1500),
    },
    Subject {
        name: "encoder",
        model: encoder::encoder,
        max_batch: 8,
        dims: &[("sequence", 64)],
        slice: Duration::from_millis(1500),
    },
];

/// Rounds of the sweep.
const ROUNDS: usize = 3;

/// Rounds of those that may be the best, and of the choice: the highest of many numbers is too high by chance, so these are
/// measured anew.
const FINAL_ROUNDS: usize = 5;

/// How near the best a cell must come to be measured anew.
const NEARLY: f64 = 0.95;

/// How much of the best throughput the choice may miss, in percent.
const BAR: f64 = 3.0;

fn main() -> Result<(), Box<dyn Error>> {
    for subject in SUBJECTS.iter().filter(|it| asked(it.name)) {
        measure(subject)?;
    }
    Ok(())
}

fn measure(subject: &Subject) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model = folder.path().join(format!("{}.onnx", subject.name));
    (subject.model)().write(&model)?;
    let took = optimize(subject, &model)?;
    let peer = navigator::choose(&model, subject.max_batch, subject.dims)?;
    let package = Package::open(&model.with_extension("nav"), &Limits::default())?;
    let choice = MaxThroughput.choose(&package.evaluations())?;
    let cache = Cache::open(&folder.path().join("cache"))?;
    let mut cells = Vec::new();
    let known = |variant: &&Variant| runner(variant).is_some();
    for variant in package.variants().iter().filter(known) {
        let mut batch = 1;
        while batch <= subject.max_batch {
            cells.push(Cell {
                variant: Some(variant),
                batch,
                rates: Vec::new(),
            });
            batch *= 2;
        }
    }
    if let Some(peer) = &peer {
        // Its runner for models on the processor takes what ONNX Runtime takes by itself, once.
        cells.push(Cell {
            variant: None,
            batch: peer.batch,
            rates: Vec::new(),
        });
    }
    let open = Open {
        package: &package,
        cache: &cache,
        model: &model,
        subject,
    };
    for _ in 0..ROUNDS {
        open.round(&mut cells)?;
    }
    let best = best_of(&cells);
    let is_chosen = |cell: &Cell<'_>| {
        let runtime = &choice.runtime;
        let is_it = |it: &Variant| it.name == runtime.variant && it.runner == runtime.runner;
        cell.variant.is_some_and(is_it) && Some(cell.batch) == choice.measurement.batch
    };
    // That of the peer stays whatever it did.
    cells.retain(|cell| cell.variant.is_none() || is_chosen(cell) || cell.rate() >= best * NEARLY);
    open.anew(&mut cells)?;
    let best = best_of(&cells);
    let chosen = cells.iter().find(|cell| is_chosen(cell));
    let chosen = chosen.ok_or("the choice is not in the sweep")?;
    let mut record = Record::new("optimize");
    // The embedded runner is not in this program unless it was built with it.
    let left_out = package.variants().iter().filter(|variant| !known(variant));
    let left_out = u32::try_from(left_out.count())?;
    record.result(
        &format!("{}, variants left out", subject.name),
        left_out.into(),
    );
    record.result(
        &format!("{}, wall time, s", subject.name),
        took.as_secs_f64(),
    );
    record.result(
        &format!("{}, chosen, per second", subject.name),
        chosen.rate(),
    );
    record.result(&format!("{}, best, per second", subject.name), best);
    let regret = 100.0 * (1.0 - chosen.rate() / best);
    record.bar(&format!("{}, regret, %", subject.name), regret, BAR);
    let of_peer = cells.iter().find(|cell| cell.variant.is_none());
    if let Some((peer, cell)) = peer.zip(of_peer) {
        beside(
            &mut record,
            subject.name,
            (chosen.rate(), took),
            (&peer, cell),
        );
    }
    Ok(record.print()?)
}

fn best_of(cells: &[Cell<'_>]) -> f64 {
    let ours = cells.iter().filter(|cell| cell.variant.is_some());
    ours.map(Cell::rate).fold(0.0, f64::max)
}

/// What the peer chose, and how long it took, beside ours.
fn beside(
    record: &mut Record,
    name: &str,
    (rate, took): (f64, Duration),
    (peer, cell): (&Choice, &Cell<'_>),
) {
    let mut add = |what: &str, value: f64| record.result(&format!("{name}, {what}"), value);
    add("wall time of the peer, s", peer.took.as_secs_f64());
    let times = peer.took.as_secs_f64() / took.as_secs_f64();
    add("wall time of the peer over ours", times);
    add("stable for the peer, within %", peer.stable.into());
    add("batch of the peer", count(peer.batch));
    add("as the peer measured, per second", peer.throughput);
    add("chosen by the peer, per second", cell.rate());
    add("ours over that chosen by the peer", rate / cell.rate());
}

#[expect(clippy::cast_precision_loss, reason = "batches are small")]
const fn count(batch: usize) -> f64 {
    batch as f64
}

/// Runs the command as its user would.
fn optimize(subject: &Subject, model: &Path) -> Result<Duration, Box<dyn Error>> {
    let mut command = optimizing::optimize(model)?;
    command
        .args(["--strategy", "max-throughput", "--max-batch"])
        .arg(subject.max_batch.to_string());
    for (name, extent) in subject.dims {
        command.arg("--dim").arg(format!("{name}={extent}"));
    }
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("nav optimize ended with {status}").into());
    }
    Ok(started.elapsed())
}

fn runner(variant: &Variant) -> Option<&'static dyn Runner> {
    nav_worker::all_runners().find(|runner| runner.name() == variant.runner)
}

fn load(
    package: &Package,
    variant: &Variant,
    cache: &Cache,
) -> Result<Arc<dyn Loaded>, Box<dyn Error>> {
    let runner = runner(variant).ok_or("no such runner")?;
    let model = ModelFile {
        path: package.model_path(variant, cache, &mut |_| {})?,
        format: variant.known_format().ok_or("no such format")?,
    };
    let options = LoadOptions {
        device: variant.device,
        settings: variant.settings.clone(),
        libraries: runtimes::libraries(),
        ..LoadOptions::default()
    };
    Ok(runner.load(&model, &options)?)
}

/// What variants are loaded from.
struct Open<'a> {
    package: &'a Package,
    cache: &'a Cache,
    model: &'a Path,
    subject: &'a Subject,
}

impl Open<'_> {
    /// Forgets what was measured, and measures each cell as often as it takes.
    fn anew(&self, cells: &mut [Cell<'_>]) -> Result<(), Box<dyn Error>> {
        for cell in &mut *cells {
            cell.rates.clear();
        }
        (0..FINAL_ROUNDS).try_for_each(|_| self.round(cells))
    }

    /// Measures each cell once. Only the variant that is measured is loaded: threads of another would go on spinning beside it.
    fn round(&self, cells: &mut [Cell<'_>]) -> Result<(), Box<dyn Error>> {
        let is_same = |a: &Cell<'_>, b: &Cell<'_>| match (a.variant, b.variant) {
            (Some(a), Some(b)) => std::ptr::eq(a, b),
            _ => false,
        };
        for of_variant in cells.chunk_by_mut(is_same) {
            let loaded = match of_variant.first().map(|cell| cell.variant) {
                Some(Some(variant)) => load(self.package, variant, self.cache)?,
                // The peer's runner for models on the processor takes what ONNX Runtime takes by itself.
                _ => runtimes::onnx(self.model, None).load()?,
            };
            for cell in of_variant {
                let rate = cell.measure(&loaded, self.subject)?;
                cell.rates.push(rate);
            }
        }
        Ok(())
    }
}

/// A variant at a batch.
struct Cell<'a> {
    /// None for what the peer chose.
    variant: Option<&'a Variant>,
    batch: usize,
    rates: Vec<f64>,
}

impl Cell<'_> {
    /// The median of all rounds.
    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or_default()
    }

    /// Samples in a second, all instances together.
    fn measure(&self, loaded: &Arc<dyn Loaded>, subject: &Subject) -> Result<f64, Box<dyn Error>> {
        let inputs = inputs(&loaded.signature().inputs, subject, self.batch)?;
        let instances = self.variant.map_or(1, |variant| variant.instances);
        let barrier = Barrier::new(instances);
        let runs: Result<Vec<f64>, String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..instances)
                .map(|_| {
                    scope.spawn(|| {
                        run(loaded, &inputs, &barrier, subject.slice)
                            .map_err(|error| error.to_string())
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a thread panicked".to_owned()))
            });
            joined.collect()
        });
        let batch = u32::try_from(self.batch)?;
        Ok(f64::from(batch) * runs?.iter().sum::<f64>())
    }
}

/// Batches in a second on one session.
fn run(
    loaded: &Arc<dyn Loaded>,
    inputs: &[TensorData],
    barrier: &Barrier,
    slice: Duration,
) -> Result<f64, Box<dyn Error>> {
    let mut session = Arc::clone(loaded).session()?;
    let descs: Vec<TensorDesc> = inputs
        .iter()
        .enumerate()
        .map(|(index, tensor)| TensorDesc {
            index,
            dtype: tensor.dtype(),
            shape: tensor.shape().clone(),
            byte_size: tensor.bytes().len(),
        })
        .collect();
    let mut once = || -> Result<(), Box<dyn Error>> {
        for (memory, tensor) in session.stage(&descs)?.into_iter().zip(inputs) {
            memory.copy_from_slice(tensor.bytes());
        }
        session.run()?;
        Ok(())
    };
    once()?;
    barrier.wait();
    let started = Instant::now();
    let mut count = 0_u32;
    while count == 0 || started.elapsed() < slice {
        once()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}

fn inputs(
    specs: &[TensorSpec],
    subject: &Subject,
    batch: usize,
) -> Result<Vec<TensorData>, Box<dyn Error>> {
    specs
        .iter()
        .map(|spec| {
            let dims = spec.dims.as_deref().unwrap_or_default();
            let extents: Vec<usize> = dims
                .iter()
                .map(|dim| match dim {
                    nav_package_format::Dim::Fixed(extent) => *extent,
                    nav_package_format::Dim::Symbolic(name) => {
                        let given = subject.dims.iter().find(|(known, _)| known == name);
                        given.map_or(batch, |(_, extent)| *extent)
                    }
                    nav_package_format::Dim::Unknown => batch,
                })
                .collect();
            let count: usize = extents.iter().product();
            let bytes = match spec.dtype {
                DType::Int64 => 7_i64.to_le_bytes().repeat(count),
                _ => 0.5_f32.to_le_bytes().repeat(count),
            };
            Ok(TensorData::new(
                spec.dtype,
                Shape::from(extents.as_slice()),
                bytes,
            )?)
        })
        .collect()
}
