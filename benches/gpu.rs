//! What of a library's own rate on a GPU is left when a runner stands around it: a network of the size of `ResNet-50` and an
//! encoder of the size of BERT, at batch 1, 8 and 32, on `OnnxCUDA` beside a loop over the crate `ort` and on
//! `TorchScriptCUDA` beside a loop of `PyTorch` itself, in turns. `scripts/gpu-check` runs it on a host that has a GPU.
//!
//! `cargo bench -p nav-benches --bench gpu -- TORCH_MODELS PYTHON BARE_LOOP`; without a GPU it says what is missing.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use nav_benches::on_gpu::{
    BATCHES, Outcome, ROUNDS, SUBJECTS, Subject, calls_of_a_turn, fill, is_ready, say, timed,
};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::runtimes;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Device, Dim, Format, Signature, TensorSpec};
use nav_runners::onnx_cuda::ONNX_CUDA;
use nav_runners::onnxruntime::library;
use nav_runners::{Declaration, LoadOptions, ModelFile, Runner, Session};
use nav_worker::all_runners;
use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session as OrtSession};
use ort::value::{DynValue, Tensor};

/// How much of the bare loop must be left.
const LEFT: f64 = 0.97;

fn main() -> Outcome<()> {
    // cargo adds `--bench`.
    let mut arguments = std::env::args_os().skip(1).filter(|it| it != "--bench");
    let mut record = Record::new("gpu");
    let folder = tempfile::tempdir()?;
    let models = arguments.next().map(PathBuf::from);
    // Models in ONNX are written beside those that are there, whether they can be run or not: `nav optimize` reads them, too.
    onnx(models.as_deref().unwrap_or(folder.path()), &mut record)?;
    match (models, arguments.next(), arguments.next()) {
        (Some(models), Some(python), Some(script)) => {
            torch(&models, Path::new(&python), Path::new(&script), &mut record)?;
        }
        _ => say("TorchScriptCUDA was not measured: no models were named"),
    }
    Ok(record.print()?)
}

fn onnx(folder: &Path, record: &mut Record) -> Outcome<()> {
    let path_of = |subject: &Subject| folder.join(subject.name).with_extension("onnx");
    for subject in &SUBJECTS {
        (subject.model)().write(&path_of(subject))?;
    }
    if !is_ready(&ONNX_CUDA) {
        return Ok(());
    }
    for subject in &SUBJECTS {
        let path = path_of(subject);
        let options = LoadOptions {
            device: Device::Cuda(0),
            libraries: runtimes::libraries(),
            ..LoadOptions::default()
        };
        let environment = library::open_for_cuda(&options.libraries)?.environment;
        let mut builder = OrtSession::builder(&environment)?;
        // With all of FP32, as the runner.
        ep::CUDA::default()
            .with_tf32(false)
            .register(&mut builder)?;
        let mut bare = builder.commit_from_file(&path)?;
        let format = Format::Onnx;
        let loaded = ONNX_CUDA.load(&ModelFile { path, format }, &options)?;
        let mut session = loaded.session()?;
        for batch in BATCHES {
            let desc = subject.desc(batch)?;
            let (mut binding, input) = (bind(&bare)?, input(&environment, subject, batch)?);
            let mut directly = |calls: u32| {
                timed(calls, || {
                    // What is bound is copied to the device then, and not when it runs.
                    binding.bind_input(subject.input, &input)?;
                    bare.run_binding(&binding)?;
                    Ok(())
                })
            };
            fill(session.as_mut(), &desc)?;
            let mut ours = |calls: u32| timed(calls, || once(session.as_mut()));
            compare(
                record,
                ("OnnxCUDA", subject, batch),
                &mut directly,
                &mut ours,
            )?;
        }
    }
    Ok(())
}

/// Memory of the host that the device reads and writes directly.
fn pinned() -> ort::Result<MemoryInfo<'static>> {
    MemoryInfo::new(
        AllocationDevice::CUDA_PINNED,
        0,
        AllocatorType::Device,
        MemoryType::CPUOutput,
    )
}

/// An input as good as a bare loop can have it: in such memory, where a session that changes nothing has left it.
fn input(environment: &Environment, subject: &Subject, batch: usize) -> Outcome<DynValue> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("same.onnx");
    let shape = subject.shape(batch);
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    let extents = dims(&extents.join(","));
    let same = GraphProto::named("same")
        .takes("x", subject.dtype, &extents)
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", subject.dtype, &extents);
    same.into_model().write(&path)?;
    let mut builder = OrtSession::builder(environment)?;
    ep::CUDA::default().register(&mut builder)?;
    let mut same = builder.commit_from_file(&path)?;
    let (shape, count) = (shape.to_vec(), shape.element_count()?);
    let host = match subject.dtype {
        DType::Int64 => Tensor::from_array((shape, vec![0_i64; count]))?.into_dyn(),
        _ => Tensor::from_array((shape, vec![0_f32; count]))?.into_dyn(),
    };
    let mut binding = bind(&same)?;
    binding.bind_input("x", &host)?;
    let mut outputs = same.run_binding(&binding)?;
    Ok(outputs.remove("y").ok_or("nothing came back")?)
}

/// The outputs of a bare session in such memory, too.
fn bind(session: &OrtSession) -> Outcome<IoBinding> {
    let mut binding = session.create_binding()?;
    let pinned = pinned()?;
    for output in session.outputs() {
        binding.bind_output_to_device(output.name(), &pinned)?;
    }
    Ok(binding)
}

fn torch(models: &Path, python: &Path, script: &Path, record: &mut Record) -> Outcome<()> {
    let runner = all_runners().find(|runner| runner.name() == "TorchScriptCUDA");
    let runner = runner.ok_or("there is no runner TorchScriptCUDA")?;
    if !is_ready(runner) {
        return Ok(());
    }
    for subject in &SUBJECTS {
        let path = models.join(subject.name).with_extension("pt");
        let mut bare = Bare::start(python, script, &path)?;
        let model = ModelFile {
            path,
            format: Format::TorchScript,
        };
        let mut session = runner.load(&model, &declared(subject))?.session()?;
        for batch in BATCHES {
            let desc = subject.desc(batch)?;
            let mut directly = |calls: u32| bare.run(batch, calls);
            fill(session.as_mut(), &desc)?;
            let mut ours = |calls: u32| timed(calls, || once(session.as_mut()));
            let what = ("TorchScriptCUDA", subject, batch);
            compare(record, what, &mut directly, &mut ours)?;
        }
    }
    Ok(())
}

fn declared(subject: &Subject) -> LoadOptions {
    let dims = subject.extents.iter().copied().map(Dim::Fixed);
    let input = TensorSpec {
        name: subject.input.to_owned(),
        dtype: subject.dtype,
        dims: Some(
            std::iter::once(Dim::Symbolic("batch".to_owned()))
                .chain(dims)
                .collect(),
        ),
        optional: false,
    };
    LoadOptions {
        device: Device::Cuda(0),
        libraries: runtimes::libraries(),
        declared: Some(Declaration {
            signature: Signature {
                inputs: vec![input],
                outputs: Vec::new(),
            },
            ..Declaration::default()
        }),
        ..LoadOptions::default()
    }
}

/// A loop of `PyTorch` itself, in a process that is told how often.
struct Bare {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Bare {
    fn start(python: &Path, script: &Path, model: &Path) -> Outcome<Self> {
        let mut child = Command::new(python)
            .arg(script)
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("it has no input")?;
        let output = child.stdout.take().ok_or("it has no output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    /// How long so many calls take, as the loop itself saw it.
    fn run(&mut self, batch: usize, calls: u32) -> Outcome<Duration> {
        writeln!(self.input, "{batch} {calls}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let seconds: f64 = line.trim().parse()?;
        Ok(Duration::from_secs_f64(seconds))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It ends when its input does; this is for one that hangs.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn once(session: &mut dyn Session) -> Outcome<()> {
    session.run()?;
    Ok(())
}

type Turn<'a> = &'a mut dyn FnMut(u32) -> Outcome<Duration>;

/// Both in turns, and what is left of the bare loop.
fn compare(
    record: &mut Record,
    (runner, subject, batch): (&str, &Subject, usize),
    bare: Turn<'_>,
    ours: Turn<'_>,
) -> Outcome<()> {
    // Plans are made and memory is found before anything counts.
    bare(5)?;
    ours(5)?;
    let calls = calls_of_a_turn(bare(10)?);
    let rows = f64::from(calls) * f64::from(u32::try_from(batch)?);
    let (mut directly, mut through, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let by_itself = rows / bare(calls)?.as_secs_f64();
        let with_us = rows / ours(calls)?.as_secs_f64();
        directly.push(by_itself);
        through.push(with_us);
        left.push(with_us / by_itself);
    }
    let name = format!("{runner}, {}, batch {batch}", subject.name);
    record.result(
        &format!("{name}, bare loop, rows per second"),
        median(&mut directly),
    );
    record.result(&format!("{name}, rows per second"), median(&mut through));
    record.least(
        &format!("{name}, of the bare loop"),
        median(&mut left),
        LEFT,
    );
    Ok(())
}
