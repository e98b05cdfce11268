//! What it costs that requests go through the engine: the same model, asked directly and through it.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::{models, runtimes};
use nav_engine::{
    Batch, Callable, Engine, EngineOptions, InferError, ModelOptions, ModelSpec, Request, Response,
    RunnerBackend,
};
use nav_package_format::{DType, Shape};
use nav_runners::{Loaded, Session, Tensor, TensorDesc};

/// What the engine may add to a request, in microseconds.
const BAR: f64 = 10.0;

/// Requests under way at a time, where there are several.
const OUTSTANDING: usize = 16;

const EFFORT: Effort = Effort {
    rounds: 300,
    calls: 20,
};

/// Elements of a row.
const WIDTH: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let file = tempfile::NamedTempFile::new()?;
    models::rows(WIDTH).write(file.path())?;
    let onnx = runtimes::onnx(file.path(), Some(1)).load()?;
    let engine = Engine::new(EngineOptions::default())?;
    let identity = || Callable::shared(onnx.signature().clone(), echo);
    let specs = [
        (
            "identity",
            ModelSpec::new(identity(), ModelOptions::default()),
        ),
        (
            "identity batched",
            ModelSpec::new(identity(), ModelOptions::batched(OUTSTANDING)),
        ),
        ("onnx", runner(&onnx, ModelOptions::default())),
        (
            "onnx batched",
            runner(&onnx, ModelOptions::batched(OUTSTANDING)),
        ),
    ];
    for (name, spec) in specs {
        engine.load(name, 1, spec)?;
    }
    let mut subjects = subjects(&engine, &onnx)?;
    let mut record = Record::new("engine");
    record.add("", interleaved::medians(&mut subjects, EFFORT));
    add_results(&mut record);
    interleaved::with_criterion("engine", &mut subjects);
    Ok(record.print()?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the number of requests is small"
)]
fn add_results(record: &mut Record) {
    let median = |record: &Record, name: &str| record.median(name) / 1e3;
    let each = |record: &Record, name: &str| median(record, name) / OUTSTANDING as f64;
    let hop = median(record, "identity, 1") - median(record, "identity directly");
    record.bar("identity hop, us", hop, BAR);
    let hop = median(record, "onnx, 1") - median(record, "onnx directly");
    record.result("onnx hop, us", hop);
    for name in ["identity", "identity batched", "onnx", "onnx batched"] {
        let time = each(record, &format!("{name}, 16"));
        record.result(&format!("{name}, 16 under way, us each"), time);
    }
    let gain = each(record, "onnx, 16") / each(record, "onnx batched, 16");
    record.result("onnx, gain of batching", gain);
    let direct = median(record, "onnx directly") / each(record, "onnx batched, 16");
    record.result("onnx, batched over directly", direct);
}

fn runner(loaded: &Arc<dyn Loaded>, options: ModelOptions) -> ModelSpec {
    ModelSpec::new(RunnerBackend::new(Arc::clone(loaded)), options)
}

/// Answers each call with its own input.
#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn echo(batch: &mut Batch) -> Result<(), InferError> {
    for index in 0..batch.len() {
        let input = batch.call(index).and_then(|call| call.input(0));
        let output = input.map(|input| Tensor {
            desc: input.desc.clone(),
            bytes: input.contiguous(),
        });
        batch.answer(index, Ok(Response::new(output)));
    }
    Ok(())
}

fn subjects(
    engine: &Engine,
    onnx: &Arc<dyn Loaded>,
) -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let input = Bytes::from(vec![0; 4 * WIDTH]);
    let desc = TensorDesc {
        index: 0,
        dtype: DType::Fp32,
        shape: Shape::from([1, WIDTH]),
        byte_size: input.len(),
    };
    let mut session = Arc::clone(onnx).session()?;
    let directly = {
        let (desc, input) = (desc.clone(), input.clone());
        move || run(session.as_mut(), &desc, &input)
    };
    let echoed = {
        let input = input.clone();
        move || {
            let (desc, bytes) = (desc.clone(), input.clone());
            black_box(Response::new([Tensor { desc, bytes }]));
        }
    };
    let ask = |name: &'static str, count: usize| -> Box<dyn FnMut()> {
        let (engine, input) = (engine.clone(), input.clone());
        Box::new(move || ask(&engine, name, &input, count))
    };
    Ok(vec![
        ("identity directly", Box::new(echoed)),
        ("identity, 1", ask("identity", 1)),
        ("identity, 16", ask("identity", OUTSTANDING)),
        ("identity batched, 16", ask("identity batched", OUTSTANDING)),
        ("onnx directly", Box::new(directly)),
        ("onnx, 1", ask("onnx", 1)),
        ("onnx, 16", ask("onnx", OUTSTANDING)),
        ("onnx batched, 16", ask("onnx batched", OUTSTANDING)),
    ])
}

/// Sends this many requests, then waits for all.
#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn ask(engine: &Engine, name: &str, input: &Bytes, count: usize) {
    let send = |_| {
        let request = Request::new().with_input(0, DType::Fp32, [1, WIDTH], input.clone());
        engine.infer(name, None, request)
    };
    if count == 1 {
        let response = send(0).wait();
        black_box(response.unwrap_or_else(|error| panic!("{error}")));
        return;
    }
    let replies: Vec<_> = (0..count).map(send).collect();
    for reply in replies {
        black_box(reply.wait().unwrap_or_else(|error| panic!("{error}")));
    }
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn run(session: &mut dyn Session, desc: &TensorDesc, input: &[u8]) {
    let staged = session.stage(std::slice::from_ref(desc));
    for memory in staged.unwrap_or_else(|error| panic!("{error}")) {
        memory.copy_from_slice(input);
    }
    black_box(session.run().unwrap_or_else(|error| panic!("{error}")));
}
