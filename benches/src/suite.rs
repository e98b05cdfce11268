//! The models that are served beside ceilings and beside the peer, and what each is asked.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nav_engine::{
    Batch, CallInput, Callable, InferError, ModelOptions, ModelSpec, Response, RunnerBackend,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorData, TensorSpec, strings};
use nav_perf::Call;
use nav_runners::{Loaded, Tensor};

use crate::load::{IDENTITY, Row, call};
use crate::served::{self, Served, WIDTH};
use crate::{encoder, perceptron, residual, runtimes};

/// Words of a text that the encoder reads.
const WORDS: usize = 64;

const IMAGE: Row = Row {
    model: "image",
    input: "x",
    extents: &[3, 224, 224],
    output: "y",
};

/// A model, and what it is asked.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The request, a row.
    pub call: Call,
    /// How long it is asked at a time.
    pub slice: Duration,
    /// The runner below it and the rows of its batches, where it is not a function of this program.
    pub runner: Option<(Arc<dyn Loaded>, usize)>,
}

/// The models, and the server that has them.
#[derive(Debug)]
pub struct Suite {
    /// The server.
    pub served: Served,
    /// What to ask.
    pub subjects: Vec<Subject>,
}

/// Writes the models that are files into this folder.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    perceptron::perceptron().write(&folder.join("perceptron.onnx"))?;
    residual::residual().write(&folder.join("network.onnx"))?;
    Ok(encoder::encoder().write(&folder.join("encoder.onnx"))?)
}

/// Serves all of them, those that are files from this folder.
pub fn serve(folder: &Path) -> Result<Suite, Box<dyn Error>> {
    let load = |name: &str, threads| {
        let path = folder.join(name).with_extension("onnx");
        runtimes::onnx(&path, Some(threads)).load()
    };
    let runners = [
        ("perceptron", load("perceptron", 1)?, 64),
        ("network", load("network", 2)?, 8),
        ("encoder", load("encoder", 2)?, 8),
    ];
    let functions = [
        ("identity", echoes(DType::Fp32, &[WIDTH])),
        ("image", echoes(DType::Fp32, IMAGE.extents)),
        ("strings", echoes(DType::Bytes, &[WIDTH])),
        ("add_sub", adding()),
    ];
    let of_runners = runners.iter().map(|(name, loaded, rows)| {
        let backend = RunnerBackend::new(Arc::clone(loaded));
        (*name, ModelSpec::new(backend, ModelOptions::batched(*rows)))
    });
    let served = served::models(functions.into_iter().chain(of_runners))?;
    let subjects = calls()?.into_iter().map(|call| {
        let runner = runners.iter().find(|(name, _, _)| *name == call.model);
        let is_slow = matches!(&*call.model, "network" | "encoder");
        Subject {
            runner: runner.map(|(_, loaded, rows)| (Arc::clone(loaded), *rows)),
            slice: Duration::from_millis(if is_slow { 4000 } else { 600 }),
            call,
        }
    });
    let subjects = subjects.collect();
    Ok(Suite { served, subjects })
}

fn calls() -> Result<Vec<Call>, Box<dyn Error>> {
    let row = |model, input, extents, output| Row {
        model,
        input,
        extents,
        output,
    };
    let of = |model: &str, inputs: Vec<(&str, TensorData)>, outputs: &[&str]| Call {
        model: model.to_owned(),
        inputs: inputs
            .into_iter()
            .map(|(name, tensor)| (name.to_owned(), tensor))
            .collect(),
        outputs: outputs.iter().map(|&name| name.to_owned()).collect(),
        ..Call::default()
    };
    let numbers = || TensorData::new(DType::Fp32, Shape::from([1, WIDTH]), vec![0; 4 * WIDTH]);
    let texts = strings::encode(vec![b"a text".to_vec(); WIDTH])?;
    let texts = TensorData::new(DType::Bytes, Shape::from([1, WIDTH]), texts)?;
    let words = 7_i64.to_le_bytes().repeat(WORDS);
    let words = TensorData::new(DType::Int64, Shape::from([1, WORDS]), words)?;
    Ok(vec![
        call(&IDENTITY)?,
        call(&IMAGE)?,
        of(
            "add_sub",
            vec![("a", numbers()?), ("b", numbers()?)],
            &["sum", "difference"],
        ),
        of("strings", vec![("x", texts)], &["y"]),
        call(&row("perceptron", "x", &[784], "y"))?,
        call(&row("network", "pixels", IMAGE.extents, "scores"))?,
        of("encoder", vec![("tokens", words)], &["states"]),
    ])
}

fn spec(name: &str, dtype: DType, extents: &[usize]) -> TensorSpec {
    let rest = extents.iter().map(|&extent| Dim::Fixed(extent));
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(std::iter::once(Dim::Unknown).chain(rest).collect()),
        optional: false,
    }
}

fn echoes(dtype: DType, extents: &[usize]) -> ModelSpec {
    let signature = Signature {
        inputs: vec![spec("x", dtype, extents)],
        outputs: vec![spec("y", dtype, extents)],
    };
    ModelSpec::new(
        Callable::shared(signature, served::echo),
        ModelOptions::batched(64),
    )
}

fn adding() -> ModelSpec {
    let row = |name| spec(name, DType::Fp32, &[WIDTH]);
    let signature = Signature {
        inputs: vec![row("a"), row("b")],
        outputs: vec![row("sum"), row("difference")],
    };
    ModelSpec::new(
        Callable::shared(signature, add_sub),
        ModelOptions::batched(64),
    )
}

#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn add_sub(batch: &mut Batch) -> Result<(), InferError> {
    let answers: Vec<Response> = batch
        .calls()
        .map(|call| {
            let inputs: Vec<_> = call.inputs().collect();
            let numbers = |index: usize| inputs.get(index).map(CallInput::contiguous);
            let (a, b) = (
                numbers(0).unwrap_or_default(),
                numbers(1).unwrap_or_default(),
            );
            let number = |bytes: &[u8]| bytes.try_into().map_or(0.0, f32::from_le_bytes);
            let pairs = || a.chunks(4).map(number).zip(b.chunks(4).map(number));
            let bytes = |values: Vec<f32>| {
                let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
                bytes.into()
            };
            let results = [
                bytes(pairs().map(|(a, b)| a + b).collect()),
                bytes(pairs().map(|(a, b)| a - b).collect()),
            ];
            let results = results.into_iter().enumerate().zip(inputs.iter());
            Response::new(results.map(|((index, bytes), input)| {
                let mut desc = input.desc.clone();
                desc.index = index;
                Tensor { desc, bytes }
            }))
        })
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        batch.answer(index, Ok(answer));
    }
    Ok(())
}
