//! What the steps of a request cost by themselves: reading its header, reading and writing tensors in JSON, the queue and
//! the answer's way back, a response from the cache, and rows that are gathered into a batch and given back.
//!
//! Nothing of the server is opened up for this: a request whose extents the model refuses goes no further than admission,
//! so that what it takes is reading it, being refused, and hearing of that. `cargo bench -p nav-benches --bench micro -- none`.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use nav_benches::echo::Echo;
use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::served;
use nav_engine::{
    Callable, Engine, EngineOptions, ModelOptions, ModelSpec, Request, RunnerBackend,
};
use nav_package_format::{DType, Dim, Format, Signature, TensorSpec};
use nav_runners::{LoadOptions, ModelFile, Runner};
use nav_serve::fuzzing::Target;

const EFFORT: Effort = Effort {
    rounds: 300,
    calls: 20,
};

/// The same for what takes milliseconds.
const FEW: Effort = Effort {
    rounds: 60,
    calls: 1,
};

/// Elements of a small row, and of a large one.
const WIDTH: usize = 16;
const WIDE: usize = 10_000;

/// Bytes of a row that is gathered, and how many make a batch.
const ROW: usize = 64 << 10;
const ROWS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut record = Record::new("micro");
    let mut small = requests()?;
    small.extend(engine_alone()?);
    record.add("", interleaved::medians(&mut small, EFFORT));
    let mut large = tensors()?;
    large.extend(batches()?);
    record.add("", interleaved::medians(&mut large, FEW));
    results(&mut record);
    small.extend(large);
    interleaved::with_criterion("micro", &mut small);
    Ok(record.print()?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the numbers of elements and bytes are small"
)]
fn results(record: &mut Record) {
    let median = |name: &str| record.median(name);
    let refusal = median("refused by admission");
    let answered = median("16 numbers in binary, answered");
    let reading = median("10,000 numbers in JSON, refused") - refusal;
    let whole = median("10,000 numbers in JSON, answered");
    let writing = whole - answered - reading;
    let copied = median("16 rows of 64 KiB, copied by a runner") - median("16 rows, given back");
    let results = [
        (
            "reading a header, us",
            (median("16 numbers in binary, refused") - refusal) / 1e3,
        ),
        (
            "reading 16 numbers in JSON, us",
            (median("16 numbers in JSON, refused") - refusal) / 1e3,
        ),
        ("being refused and hearing of it, us", refusal / 1e3),
        (
            "queue hop and reply, us",
            (median("an answer") - refusal) / 1e3,
        ),
        (
            "a response from the cache, us",
            median("a response from the cache") / 1e3,
        ),
        ("reading JSON, ns a number", reading / WIDE as f64),
        (
            "reading JSON, over serde_json",
            reading / median("10,000 numbers by serde_json"),
        ),
        ("writing JSON, ns a number", writing / WIDE as f64),
        (
            "gathering and copying 1 MiB, over two copies",
            copied / median("1 MiB copied twice"),
        ),
    ];
    for (name, value) in results {
        record.result(name, value);
    }
}

/// `x` as `y`: rows of so many numbers, or of any number.
fn identity(width: Option<usize>) -> Arc<Callable> {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(vec![Dim::Unknown, width.map_or(Dim::Unknown, Dim::Fixed)]),
        optional: false,
    };
    let signature = Signature {
        inputs: vec![spec("x")],
        outputs: vec![spec("y")],
    };
    Callable::shared(signature, served::echo)
}

fn target(width: Option<usize>) -> Result<Target, Box<dyn Error>> {
    let spec = ModelSpec::new(identity(width), ModelOptions::batched(ROWS));
    Target::new(spec).ok_or_else(|| "the model cannot be served".into())
}

/// A request for a row of so many numbers in binary: its header, and all of it.
fn binary(width: usize) -> (usize, Vec<u8>) {
    let size = 4 * width;
    let header = format!(
        r#"{{"inputs":[{{"name":"x","shape":[1,{width}],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}],"parameters":{{"binary_data_output":true}}}}"#
    );
    let mut body = header.clone().into_bytes();
    body.resize(header.len() + size, 0);
    (header.len(), body)
}

/// Numbers with as many digits as trained models give.
fn numbers(width: usize) -> String {
    let numbers = (0_u16..).take(width).map(|it| (f32::from(it) * 0.7).sin());
    let texts: Vec<String> = numbers.map(|it| it.to_string()).collect();
    format!("[{}]", texts.join(","))
}

fn json(width: usize) -> Vec<u8> {
    let data = numbers(width);
    let text = format!(
        r#"{{"inputs":[{{"name":"x","shape":[1,{width}],"datatype":"FP32","data":{data}}}]}}"#
    );
    text.into_bytes()
}

/// Small requests over HTTP: those that admission refuses, which are one number too wide, and one that is answered.
fn requests() -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let binary_of = |width| -> Result<Box<dyn FnMut()>, Box<dyn Error>> {
        let target = target(Some(WIDTH))?;
        let (header, body) = binary(width);
        Ok(http(target, Some(header), body, width == WIDTH))
    };
    let in_json = http(target(Some(WIDTH))?, None, json(WIDTH + 1), false);
    Ok(vec![
        ("16 numbers in binary, refused", binary_of(WIDTH + 1)?),
        ("16 numbers in binary, answered", binary_of(WIDTH)?),
        ("16 numbers in JSON, refused", in_json),
    ])
}

/// Large ones.
fn tensors() -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let refused = http(target(Some(WIDTH))?, None, json(WIDE), false);
    let answered = http(target(None)?, None, json(WIDE), true);
    let text = numbers(WIDE);
    let by_serde = move || {
        let read = serde_json::from_str::<Vec<f32>>(&text);
        black_box(read.unwrap_or_default());
    };
    Ok(vec![
        ("10,000 numbers in JSON, refused", refused),
        ("10,000 numbers in JSON, answered", answered),
        ("10,000 numbers by serde_json", Box::new(by_serde)),
    ])
}

/// A request, which must be answered or refused.
fn http(
    target: Target,
    header: Option<usize>,
    body: Vec<u8>,
    is_answered: bool,
) -> Box<dyn FnMut()> {
    let header = header.unwrap_or(body.len());
    Box::new(move || assert_eq!(target.http(header, &body), is_answered))
}

/// Requests that nobody has to read.
fn engine_alone() -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let engine = Engine::new(EngineOptions {
        cache_bytes: 1 << 20,
        ..EngineOptions::default()
    })?;
    let cached = ModelOptions {
        cache: true,
        ..ModelOptions::batched(ROWS)
    };
    let plain = ModelOptions::batched(ROWS);
    engine.load("plain", 1, ModelSpec::new(identity(Some(WIDTH)), plain))?;
    engine.load("cached", 1, ModelSpec::new(identity(Some(WIDTH)), cached))?;
    let ask = |name: &'static str, width: usize, is_answered: bool| -> Box<dyn FnMut()> {
        let (engine, input) = (engine.clone(), Bytes::from(vec![0; 4 * width]));
        Box::new(move || {
            let request = Request::new().with_input(0, DType::Fp32, [1, width], input.clone());
            let answer = engine.infer(name, None, request).wait();
            assert_eq!(black_box(answer).is_ok(), is_answered);
        })
    };
    Ok(vec![
        ("refused by admission", ask("plain", WIDTH + 1, false)),
        ("an answer", ask("plain", WIDTH, true)),
        ("a response from the cache", ask("cached", WIDTH, true)),
    ])
}

/// Batches of large rows: one whose inputs a runner copies into its memory and its results out of it, one whose rows are
/// given back as they came, and as much copying alone.
fn batches() -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let model = ModelFile {
        path: "echo".into(),
        format: Format::Onnx,
    };
    let echo = Echo.load(&model, &LoadOptions::default())?;
    let engine = Engine::new(EngineOptions::default())?;
    let options = ModelOptions::batched(ROWS);
    engine.load(
        "copied",
        1,
        ModelSpec::new(RunnerBackend::new(echo), options.clone()),
    )?;
    engine.load("given", 1, ModelSpec::new(identity(None), options))?;
    let row = Bytes::from(vec![7; ROW]);
    let ask = |name: &'static str| -> Box<dyn FnMut()> {
        let (engine, row) = (engine.clone(), row.clone());
        Box::new(move || {
            let request = || Request::new().with_input(0, DType::Fp32, [1, ROW / 4], row.clone());
            let replies: Vec<_> = (0..ROWS)
                .map(|_| engine.infer(name, None, request()))
                .collect();
            for reply in replies {
                assert!(black_box(reply.wait()).is_ok());
            }
        })
    };
    let rows: Vec<Bytes> = (0..ROWS).map(|_| row.clone()).collect();
    let mut memory = vec![0; ROW * ROWS];
    let copies = move || {
        for (place, row) in memory.chunks_exact_mut(ROW).zip(&rows) {
            place.copy_from_slice(row);
        }
        black_box(Bytes::copy_from_slice(&memory));
    };
    Ok(vec![
        ("16 rows of 64 KiB, copied by a runner", ask("copied")),
        ("16 rows, given back", ask("given")),
        ("1 MiB copied twice", Box::new(copies)),
    ])
}
