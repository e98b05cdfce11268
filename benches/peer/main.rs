//! Requests to models of ours and to the same models behind `PyTriton`, in turns by the same client on the same cores.
//!
//! Needs a Python with `nvidia-pytriton==0.7.0` and `onnxruntime`, which `NAV_PEER_PYTHON` names; without one there is
//! nobody to compare with, and that is said. `cargo bench -p nav-benches --bench peer`.

mod peer;

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use nav_benches::load::{IDENTITY, Row, call, closed_calls};
use nav_benches::percentile::median;
use nav_benches::record::Record;
use nav_benches::served::{self, Served};
use nav_benches::{perceptron, residual, runtimes};
use nav_engine::{
    Batch, CallInput, Callable, InferError, ModelOptions, ModelSpec, Response, RunnerBackend,
};
use nav_package_format::{DType, Dim, Shape, Signature, TensorData, TensorSpec, strings};
use nav_perf::{Call, Protocol};
use nav_runners::Tensor;

use self::peer::Peer;

/// Pairs of turns.
const ROUNDS: usize = 5;

/// How long each is asked in a turn, and how long where a request takes a tenth of a second.
const SLICES: (Duration, Duration) = (Duration::from_millis(600), Duration::from_secs(4));

/// Elements of an input.
const WIDTH: usize = 16;

const IMAGE: Row = Row {
    model: "image",
    input: "x",
    extents: &[3, 224, 224],
    output: "y",
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    perceptron::perceptron().write(&folder.path().join("perceptron.onnx"))?;
    residual::residual().write(&folder.path().join("network.onnx"))?;
    let mut record = Record::new("peer");
    let Some(peer) = Peer::start(folder.path())? else {
        record.result("there is no Python with PyTriton in NAV_PEER_PYTHON", 0.0);
        return Ok(record.print()?);
    };
    let ours = ours(folder.path())?;
    for (call, most) in calls()? {
        for protocol in [Protocol::Http, Protocol::HttpJson, Protocol::Grpc] {
            if protocol == Protocol::HttpJson && call.model != "identity" {
                continue;
            }
            for concurrency in [1, 4, 16, 64].into_iter().filter(|it| *it <= most) {
                let asked = (&call, protocol, concurrency);
                compare(&mut record, asked, (&ours, &peer))?;
            }
        }
    }
    Ok(record.print()?)
}

fn compare(
    record: &mut Record,
    (call, protocol, concurrency): (&Call, Protocol, usize),
    (ours, peer): (&Served, &Peer),
) -> Result<(), Box<dyn Error>> {
    let place = |http: SocketAddr, grpc: SocketAddr| if protocol.is_grpc() { grpc } else { http };
    let ours = place(ours.http, ours.grpc);
    let theirs = place(peer.http, peer.grpc);
    let (mut rates, mut ratios, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let calls = std::slice::from_ref(call);
    let slice = if call.model == "network" {
        SLICES.1
    } else {
        SLICES.0
    };
    for _ in 0..ROUNDS {
        let one = closed_calls((ours, protocol), calls, concurrency, slice)?;
        let other = closed_calls((theirs, protocol), calls, concurrency, slice)?;
        rates.push(one.throughput);
        ratios.push(one.throughput / other.throughput);
        let p99 = |it: &nav_perf::Level| it.latencies.quantile(0.99).as_secs_f64();
        latencies.push(p99(&one) / p99(&other));
    }
    let name = format!(
        "{}, {}, {concurrency} at a time",
        call.model,
        protocol.name()
    );
    record.result(&format!("{name}, per second"), median(&mut rates));
    record.result(&format!("{name}, times the peer"), median(&mut ratios));
    let part = median(&mut latencies);
    record.result(&format!("{name}, p99 of the peer's"), part);
    Ok(())
}

/// What is asked, and how many at a time at most.
fn calls() -> Result<Vec<(Call, usize)>, Box<dyn Error>> {
    let row = |model, input, extents, output| Row {
        model,
        input,
        extents,
        output,
    };
    let numbers = || TensorData::new(DType::Fp32, Shape::from([1, WIDTH]), vec![0; 4 * WIDTH]);
    let texts = strings::encode(vec![b"a text".to_vec(); WIDTH])?;
    let texts = TensorData::new(DType::Bytes, Shape::from([1, WIDTH]), texts)?;
    let strings = Call {
        model: "strings".to_owned(),
        inputs: vec![("x".to_owned(), texts)],
        outputs: vec!["y".to_owned()],
        ..Call::default()
    };
    let add_sub = Call {
        model: "add_sub".to_owned(),
        inputs: vec![("a".to_owned(), numbers()?), ("b".to_owned(), numbers()?)],
        outputs: vec!["sum".to_owned(), "difference".to_owned()],
        ..Call::default()
    };
    Ok(vec![
        (call(&IDENTITY)?, 64),
        (call(&IMAGE)?, 16),
        (add_sub, 16),
        (strings, 16),
        (call(&row("perceptron", "x", &[784], "y"))?, 64),
        (
            call(&row("network", "pixels", IMAGE.extents, "scores"))?,
            16,
        ),
    ])
}

/// The same models, served like those of the peer.
fn ours(folder: &Path) -> Result<Served, Box<dyn Error>> {
    let echoes = |dtype, extents: &[usize]| {
        let signature = Signature {
            inputs: vec![spec("x", dtype, extents)],
            outputs: vec![spec("y", dtype, extents)],
        };
        ModelSpec::new(
            Callable::shared(signature, served::echo),
            ModelOptions::batched(64),
        )
    };
    let runner = |file: &str, threads| {
        let loaded = runtimes::onnx(&folder.join(file), Some(threads)).load()?;
        Ok::<_, Box<dyn Error>>(RunnerBackend::new(loaded))
    };
    let perceptron = runner("perceptron.onnx", 1)?;
    let network = runner("network.onnx", 2)?;
    served::models([
        ("identity", echoes(DType::Fp32, &[WIDTH])),
        ("image", echoes(DType::Fp32, IMAGE.extents)),
        ("strings", echoes(DType::Bytes, &[WIDTH])),
        ("add_sub", adding()),
        (
            "perceptron",
            ModelSpec::new(perceptron, ModelOptions::batched(64)),
        ),
        ("network", ModelSpec::new(network, ModelOptions::batched(8))),
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
