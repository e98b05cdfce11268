//! The models that the recorded exchanges were made with, as functions.

#![expect(
    clippy::unnecessary_wraps,
    reason = "they have the signature of a model"
)]

mod composed;
pub(crate) mod talking;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nav_engine::{
    Batch, BatchPolicy, Call, Callable, CorrelationId, Engine, EngineOptions, InferError,
    ModelOptions, ModelSpec, Parameter, QueuePolicy, Response, SequencePolicy,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorSpec, strings};
use nav_runners::{Tensor, TensorDesc};
use nav_serve::ModelFacts;

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

fn alltypes() -> Signature {
    let types = DType::ALL
        .iter()
        .filter(|it| !matches!(it, DType::Fp16 | DType::Bf16));
    let name = |dtype: DType| match dtype {
        DType::Bytes => "STRING".to_owned(),
        other => other.name().to_owned(),
    };
    let of = |prefix: &str, optional| -> Vec<TensorSpec> {
        types
            .clone()
            .map(|dtype| TensorSpec {
                optional,
                ..spec(&format!("{prefix}{}", name(*dtype)), *dtype, &[-1])
            })
            .collect()
    };
    Signature {
        inputs: of("I_", true),
        outputs: of("O_", false),
    }
}

fn single(max_batch: usize) -> ModelOptions {
    ModelOptions {
        max_batch,
        ..ModelOptions::default()
    }
}

/// All of them, loaded.
pub(crate) fn engine() -> Engine {
    let engine = Engine::new(EngineOptions {
        cache_bytes: 1 << 20,
        ..EngineOptions::default()
    })
    .unwrap();
    let load = |name: &str, version, mut spec: ModelSpec| {
        spec.about = Arc::new(facts(name));
        engine.load(name, version, spec).unwrap();
    };
    let floats = |extents: &[i64]| one(DType::Fp32, extents);
    for (name, dtype, extents, options) in [
        (
            "ident_fp32",
            DType::Fp32,
            &[-1, -1][..],
            ModelOptions::batched(8),
        ),
        (
            "ident_bytes",
            DType::Bytes,
            &[-1, -1],
            ModelOptions::batched(8),
        ),
        (
            "ident_fp16",
            DType::Fp16,
            &[-1, -1],
            ModelOptions::batched(8),
        ),
        ("ident_bf16", DType::Bf16, &[-1], single(0)),
        ("nobatch", DType::Fp32, &[2, 2], single(0)),
        ("labels", DType::Fp32, &[-1, 4], single(8)),
        (
            "cached",
            DType::Fp32,
            &[-1, 2],
            ModelOptions {
                cache: true,
                ..single(8)
            },
        ),
    ] {
        load(name, 1, each(one(dtype, extents), options, echo));
    }
    let pair = |name: &str| spec(name, DType::Int32, &[-1, 4]);
    let signature = Signature {
        inputs: vec![pair("INPUT0"), pair("INPUT1")],
        outputs: vec![pair("OUTPUT0"), pair("OUTPUT1")],
    };
    load(
        "addsub",
        1,
        each(signature, ModelOptions::batched(4), addsub),
    );
    load("alltypes", 1, each(alltypes(), single(0), echo));
    for (name, words) in [("fails", "model says no"), ("raises", "boom")] {
        let fail = move |_: &Call| Err(InferError::model(words));
        load(name, 1, each(floats(&[-1, -1]), single(8), fail));
    }
    let mut signature = one(DType::Int32, &[1]);
    signature.outputs = vec![spec("OUTPUT0", DType::Bytes, &[1])];
    load("reqinfo", 1, each(signature, single(0), reqinfo));
    for (version, more) in [(1, 1.0), (3, 3.0)] {
        let add = move |call: &Call| plus(call, more);
        load("versions", version, each(floats(&[-1, 2]), single(8), add));
    }
    for (name, spec) in [
        ("seqsum", composed::seqsum()),
        ("optional", composed::optional()),
        ("textecho", talking::textecho()),
        ("textstream", talking::textstream()),
        ("repeat", talking::repeat()),
        ("slowq", each(floats(&[-1, 1]), slow(), linger)),
    ] {
        load(name, 1, spec);
    }
    engine
        .load_ensemble("ensemble", 1, &composed::ensemble())
        .unwrap();
    engine
}

/// What takes its time, as it did when it was recorded.
fn linger(call: &Call) -> Answered {
    let (_keep, never) = std::sync::mpsc::channel::<()>();
    never.recv_timeout(Duration::from_millis(300)).ok();
    echo(call)
}

fn sequences() -> ModelOptions {
    ModelOptions {
        sequences: Some(SequencePolicy {
            // A test that is slow forgets nothing.
            idle: Duration::from_mins(1),
            ..SequencePolicy::default()
        }),
        ..single(8)
    }
}

/// A queue of one, two levels, and a limit of time that requests may change.
fn slow() -> ModelOptions {
    ModelOptions {
        batching: Some(BatchPolicy::default()),
        priority_levels: 2,
        default_priority: 2,
        queue: QueuePolicy {
            default_timeout: Some(Duration::from_millis(100)),
            allow_timeout_override: true,
            max_queue_size: Some(1),
            ..QueuePolicy::default()
        },
        ..single(1)
    }
}

/// What clients are told of this model.
fn facts(name: &str) -> ModelFacts {
    let names = ["apple", "pear", "plum", "fig"].map(str::to_owned);
    let labels = (name == "labels").then(|| ("OUTPUT0".to_owned(), names.to_vec()));
    ModelFacts {
        platform: if name == "ensemble" { name } else { "python" }.to_owned(),
        labels: labels.into_iter().collect(),
        ..ModelFacts::default()
    }
}
