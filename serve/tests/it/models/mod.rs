//! The models that the recorded exchanges were made with, as functions.

#![expect(
    clippy::unnecessary_wraps,
    reason = "they have the signature of a model"
)]

mod composed;
pub(crate) mod recorded;
pub(crate) mod talking;

use std::collections::BTreeMap;
use std::time::Duration;

use nav_engine::{
    Batch, Call, Callable, CorrelationId, Engine, InferError, ModelOptions, ModelSpec, Parameter,
    Response,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec, strings};
use nav_runners::{Tensor, TensorDesc};

type Answered = Result<Response, InferError>;

fn spec(name: &str, dtype: DType, extents: &[i64]) -> TensorSpec {
    let dim = |extent: &i64| usize::try_from(*extent).map_or(Dim::Unknown, Dim::Fixed);
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(extents.iter().map(dim).collect()),
        optional: false,
    }
}

/// `INPUT0` to `OUTPUT0`, of one type and shape.
pub(crate) fn one(dtype: DType, extents: &[i64]) -> Signature {
    Signature {
        inputs: vec![spec("INPUT0", dtype, extents)],
        outputs: vec![spec("OUTPUT0", dtype, extents)],
    }
}

/// A model that answers each call by itself.
pub(crate) fn each(
    signature: Signature,
    options: ModelOptions,
    answer: impl Fn(&Call) -> Answered + Send + Sync + 'static,
) -> ModelSpec {
    let call = move |batch: &mut Batch| {
        let answers: Vec<Answered> = batch.calls().map(&answer).collect();
        for (index, answer) in answers.into_iter().enumerate() {
            batch.answer(index, answer);
        }
        Ok(())
    };
    ModelSpec::new(Callable::shared(signature, call), options)
}

/// Every input as the output at its position.
pub(crate) fn echo(call: &Call) -> Answered {
    let outputs = call.inputs().filter(|input| call.wants(input.desc.index));
    Ok(Response::new(outputs.map(|input| Tensor {
        desc: input.desc.clone(),
        bytes: input.contiguous(),
    })))
}

fn output(index: usize, dtype: DType, shape: Shape, bytes: Vec<u8>) -> Tensor {
    Tensor {
        desc: TensorDesc {
            index,
            dtype,
            shape,
            byte_size: bytes.len(),
        },
        bytes: bytes.into(),
    }
}

fn floats(call: &Call, index: usize) -> Option<Vec<f32>> {
    let bytes = call.input(index)?.contiguous();
    let (whole, _) = bytes.as_chunks::<4>();
    Some(
        whole
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
    )
}

fn integers(call: &Call, index: usize) -> Vec<i32> {
    let bytes = call.input(index).unwrap().contiguous();
    let (whole, _) = bytes.as_chunks::<4>();
    whole
        .iter()
        .map(|bytes| i32::from_le_bytes(*bytes))
        .collect()
}

/// `INPUT0` with something added.
fn plus(call: &Call, more: f32) -> Answered {
    let sums = floats(call, 0).unwrap().into_iter().map(|it| it + more);
    let bytes = sums.flat_map(f32::to_le_bytes).collect();
    let shape = call.input(0).unwrap().desc.shape.clone();
    Ok(Response::new([output(0, DType::Fp32, shape, bytes)]))
}

fn addsub(call: &Call) -> Answered {
    let (left, right) = (integers(call, 0), integers(call, 1));
    let shape = &call.input(0).unwrap().desc.shape;
    let apply = |index, operation: fn(i32, i32) -> i32| {
        let pairs = left.iter().zip(&right);
        let bytes = pairs.flat_map(|(a, b)| operation(*a, *b).to_le_bytes());
        output(index, DType::Int32, shape.clone(), bytes.collect())
    };
    let outputs = [apply(0, i32::wrapping_add), apply(1, i32::wrapping_sub)];
    let wanted = outputs.into_iter().filter(|it| call.wants(it.desc.index));
    Ok(Response::new(wanted))
}

/// What a model sees of a request beside its tensors.
fn reqinfo(call: &Call) -> Answered {
    let parameters: BTreeMap<&str, String> = call
        .parameters()
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Parameter::Bool(value) => value.to_string(),
                Parameter::Int(number) => number.to_string(),
                Parameter::Uint(number) => number.to_string(),
                Parameter::Double(number) => number.to_string(),
                Parameter::Text(text) => format!("{text:?}"),
            };
            (name.as_ref(), value)
        })
        .collect();
    let parameters: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name:?}: {value}"))
        .collect();
    let correlation = call.correlation();
    let number = correlation.map_or(0, |it| match it.id {
        CorrelationId::Number(number) => number,
        CorrelationId::Text(_) => 0,
    });
    let flags = correlation.map_or(0, |it| u8::from(it.start) + 2 * u8::from(it.end));
    let text = format!(
        "{{\"correlation_id\": {number}, \"flags\": {flags}, \"id\": {:?}, \"parameters\": {{{}}}, \"timeout\": {}}}",
        call.id().unwrap_or_default(),
        parameters.join(", "),
        call.timeout().unwrap_or_default().as_micros(),
    );
    let bytes = strings::encode([text]).unwrap();
    Ok(Response::new([output(
        0,
        DType::Bytes,
        Shape::from([1]),
        bytes,
    )]))
}

/// All of them, loaded.
pub(crate) fn engine() -> Engine {
    let folder = recorded::folder();
    recorded::repository(folder.path()).engine().clone()
}

/// What takes its time, as it did when it was recorded.
fn linger(call: &Call) -> Answered {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    never.recv_timeout(Duration::from_millis(300)).ok();
    echo(call)
}
