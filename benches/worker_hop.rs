//! What it costs that a runner is in another process: the same runner here and there.
//!
//! This executable is its own child.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion};
use nav_benches::echo::Echo;
use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::{models, runtimes};
use nav_package_format::{DType, Format, Shape};
use nav_runners::onnx_cpu::OnnxCpu;
use nav_runners::{LoadOptions, ModelFile, Outputs, RunError, Runner, Session, TensorDesc};
use nav_worker::{Isolated, WorkerCommand, child};

/// Bytes of the input and of the output.
const SIZES: &[usize] = &[64, 4 << 10, 64 << 10, 1 << 20];

/// The size that the bar is for.
const BAR_SIZE: usize = 4 << 10;

/// How much another process may add to a call, in microseconds.
const BAR: f64 = 60.0;

const EFFORT: Effort = Effort {
    rounds: 300,
    calls: 20,
};

const RUNNERS: &[&dyn Runner] = &[&Echo, &OnnxCpu];

const CHILD: &str = "__worker";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args_os().nth(1).is_some_and(|it| it == CHILD) {
        return Ok(child::run(RUNNERS)?);
    }
    let file = tempfile::NamedTempFile::new()?;
    models::identity().write(file.path())?;
    let mut criterion = Criterion::default().configure_from_args();
    let mut record = Record::new("worker_hop");
    for &size in SIZES {
        let mut subjects = subjects(file.path(), size)?;
        let medians = interleaved::medians(&mut subjects, EFFORT);
        record.add(&format!("{size} "), medians);
        for &runner in RUNNERS {
            add_results(&mut record, runner.name(), size);
        }
        let mut group = criterion.benchmark_group("worker_hop");
        for (name, subject) in &mut subjects {
            let id = BenchmarkId::new(*name, size);
            group.bench_function(id, |bencher| bencher.iter(&mut *subject));
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(record.print()?)
}

fn add_results(record: &mut Record, runner: &str, size: usize) {
    let median = |record: &Record, place| record.median(&format!("{size} {runner} {place}"));
    let (here, there) = (median(record, "here"), median(record, "isolated"));
    let hop = (there - here) / 1e3;
    let name = format!("{size} {runner} hop, us");
    if size == BAR_SIZE {
        record.bar(&name, hop, BAR);
    } else {
        record.result(&name, hop);
    }
    record.result(&format!("{size} {runner} isolated over here"), there / here);
}

fn subjects(path: &Path, size: usize) -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let command = WorkerCommand::new(std::env::current_exe()?).with_argument(CHILD);
    let isolated = |runner| Isolated::new(runner, command.clone());
    Ok(vec![
        ("Echo here", subject(&Echo, path, size)?),
        ("Echo isolated", subject(&isolated(&Echo), path, size)?),
        ("OnnxCPU here", subject(&OnnxCpu, path, size)?),
        (
            "OnnxCPU isolated",
            subject(&isolated(&OnnxCpu), path, size)?,
        ),
    ])
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn subject(
    runner: &dyn Runner,
    path: &Path,
    size: usize,
) -> Result<Box<dyn FnMut()>, Box<dyn Error>> {
    let mut options = LoadOptions {
        libraries: runtimes::libraries(),
        ..LoadOptions::default()
    };
    if runner.name() == OnnxCpu.name() {
        options.settings.intra_threads = Some(1);
    }
    let model = ModelFile {
        path: path.to_owned(),
        format: Format::Onnx,
    };
    let mut session = runner.load(&model, &options)?.session()?;
    let desc = TensorDesc {
        index: 0,
        dtype: DType::Fp32,
        shape: Shape::from([size / 4]),
        byte_size: size,
    };
    let input = vec![0; size];
    Ok(Box::new(move || {
        let outputs = run(session.as_mut(), &desc, &input);
        black_box(outputs.unwrap_or_else(|error| panic!("{error}")));
    }))
}

fn run(session: &mut dyn Session, desc: &TensorDesc, input: &[u8]) -> Result<Outputs, RunError> {
    for memory in session.stage(std::slice::from_ref(desc))? {
        memory.copy_from_slice(input);
    }
    session.run()
}
