//! What it costs that a model is bound, or served in the program: the same work done directly, by the engine, by a bound
//! runner, by a bound function, and by a server without sockets.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use nav_adapter::{
    Array, Inputs, ModelConfig, Outputs, Server, Tensor, Triton, TritonConfig, batch,
};
use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::{models, runtimes};
use nav_engine::{Engine, EngineOptions, ModelOptions, ModelSpec, Request, RunnerBackend};
use nav_package_format::{DType, Shape};
use nav_runners::{Loaded, RunnerHandle, Session, TensorDesc};

/// What binding may add to a request over the engine, in microseconds.
const BAR: f64 = 15.0;

const EFFORT: Effort = Effort {
    rounds: 300,
    calls: 20,
};

/// Elements of a row.
const WIDTH: usize = 16;

/// The most rows of a batch.
const MOST: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let runner = runner(folder.path())?;
    let loaded = runner.load()?;
    let engine = Engine::new(EngineOptions::default())?;
    let backend = RunnerBackend::new(Arc::clone(&loaded));
    let spec = ModelSpec::new(backend, ModelOptions::batched(MOST));
    engine.load("onnx", 1, spec)?;
    let triton = bound(runner)?;
    let bound = triton.engine().ok_or("it does not run")?;
    let server = Server::builder().model_repository(folder.path()).start()?;
    let mut subjects = subjects(&loaded, (&engine, &bound), &server)?;
    let mut record = Record::new("bind");
    record.add("", interleaved::medians(&mut subjects, EFFORT));
    add_results(&mut record);
    interleaved::with_criterion("bind", &mut subjects);
    Ok(record.print()?)
}

fn add_results(record: &mut Record) {
    let median = |record: &Record, name: &str| record.median(name) / 1e3;
    let engine = median(record, "onnx by the engine");
    let added = median(record, "onnx bound") - engine;
    record.bar("a bound runner over the engine, us", added, BAR);
    let added = median(record, "onnx in process") - engine;
    record.result("in process over the engine, us", added);
    let directly = median(record, "onnx directly");
    record.result("the engine over the runner, us", engine - directly);
    let closure = median(record, "function directly");
    let added = median(record, "function bound") - closure;
    record.result("a bound function over calling it, us", added);
    for name in ["onnx by the engine", "onnx bound", "onnx in process"] {
        let ratio = median(record, name) / directly;
        record.result(&format!("{name}, over directly"), ratio);
    }
    let ratio = median(record, "function bound") / closure;
    record.result("function bound, over directly", ratio);
}

/// The model as the one of a repository, and a runner for it.
fn runner(repository: &Path) -> Result<RunnerHandle, Box<dyn Error>> {
    let version = repository.join("onnx/1");
    fs::create_dir_all(&version)?;
    let path = version.join("model.onnx");
    models::rows(WIDTH).write(&path)?;
    let config = format!(
        "backend: 'onnxruntime' max_batch_size: {MOST} dynamic_batching {{ }} \
         instance_group {{ kind: KIND_CPU }} \
         parameters {{ key: 'intra_op_thread_count' value {{ string_value: '1' }} }}"
    );
    fs::write(repository.join("onnx/config.pbtxt"), config)?;
    Ok(runtimes::onnx(&path, Some(1)))
}

/// A server to which the runner and a function that does the same are bound.
fn bound(runner: RunnerHandle) -> Result<Triton, Box<dyn Error>> {
    let triton = Triton::new(TritonConfig {
        http_port: Some(0),
        grpc_port: Some(0),
        metrics_port: Some(0),
        ..TritonConfig::default()
    })?;
    let extent = i64::try_from(WIDTH)?;
    let tensor = |name: &str| [Tensor::new(DType::Fp32, [extent]).named(name)];
    let config = ModelConfig {
        max_batch_size: MOST,
        ..ModelConfig::default()
    };
    triton.bind("onnx", runner, tensor("x"), tensor("y"), config.clone())?;
    let add = batch(|inputs: Inputs| -> Result<Outputs, nav_adapter::Failure> {
        Ok(Outputs::ordered([add(inputs.array("x")?)?]))
    });
    triton.bind("function", add, tensor("x"), tensor("y"), config)?;
    triton.run()?;
    Ok(triton)
}

fn add(array: &Array) -> Result<Array, nav_adapter::ArrayError> {
    array.map(|number: f32| number + 1.0)
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn subjects<'a>(
    onnx: &Arc<dyn Loaded>,
    (engine, bound): (&Engine, &Engine),
    server: &Server,
) -> Result<Vec<Subject<'a>>, Box<dyn Error>> {
    let array = Array::new([1, WIDTH], vec![0.5_f32; WIDTH])?;
    let input = array.bytes().clone();
    let desc = TensorDesc {
        index: 0,
        dtype: DType::Fp32,
        shape: Shape::from([1, WIDTH]),
        byte_size: input.len(),
    };
    let mut session = Arc::clone(onnx).session()?;
    let directly = {
        let input = input.clone();
        move || run(session.as_mut(), &desc, &input)
    };
    let called = {
        let array = array.clone();
        move || {
            black_box(add(&array).unwrap_or_else(|error| panic!("{error}")));
        }
    };
    let ask = |engine: &Engine, name: &'static str| -> Box<dyn FnMut()> {
        let (engine, input) = (engine.clone(), input.clone());
        Box::new(move || ask(&engine, name, &input))
    };
    let model = server.model("onnx")?;
    let in_process = move || {
        let response = model.infer_one([("x", array.clone())]);
        black_box(response.unwrap_or_else(|error| panic!("{error}")));
    };
    Ok(vec![
        ("function directly", Box::new(called)),
        ("function bound", ask(bound, "function")),
        ("onnx directly", Box::new(directly)),
        ("onnx by the engine", ask(engine, "onnx")),
        ("onnx bound", ask(bound, "onnx")),
        ("onnx in process", Box::new(in_process)),
    ])
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn ask(engine: &Engine, name: &str, input: &Bytes) {
    let request = Request::new().with_input("x", DType::Fp32, [1, WIDTH], input.clone());
    let response = engine.infer(name, None, request).wait();
    black_box(response.unwrap_or_else(|error| panic!("{error}")));
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn run(session: &mut dyn Session, desc: &TensorDesc, input: &[u8]) {
    let staged = session.stage(std::slice::from_ref(desc));
    for memory in staged.unwrap_or_else(|error| panic!("{error}")) {
        memory.copy_from_slice(input);
    }
    black_box(session.run().unwrap_or_else(|error| panic!("{error}")));
}
