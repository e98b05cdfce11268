//! Property: what goes through a graph that does nothing comes back bit for bit, for every element type.

use half::{bf16, f16};
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Shape, TensorData, strings};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};

pub(crate) const SUITE: Suite = Suite {
    name: "identity",
    cases: &[
        case("bool", |subject| round_trip(subject, DType::Bool)),
        case("uint8", |subject| round_trip(subject, DType::Uint8)),
        case("uint16", |subject| round_trip(subject, DType::Uint16)),
        case("uint32", |subject| round_trip(subject, DType::Uint32)),
        case("uint64", |subject| round_trip(subject, DType::Uint64)),
        case("int8", |subject| round_trip(subject, DType::Int8)),
        case("int16", |subject| round_trip(subject, DType::Int16)),
        case("int32", |subject| round_trip(subject, DType::Int32)),
        case("int64", |subject| round_trip(subject, DType::Int64)),
        case("fp16", |subject| round_trip(subject, DType::Fp16)),
        case("bf16", |subject| round_trip(subject, DType::Bf16)),
        case("fp32", |subject| round_trip(subject, DType::Fp32)),
        case("fp64", |subject| round_trip(subject, DType::Fp64)),
        case("bytes", |subject| round_trip(subject, DType::Bytes)),
    ],
};

/// One input for each rank up to here.
const RANKS: usize = 4;

/// Each input goes through twice: a runtime may leave out the first node, but hardly both.
fn graph(dtype: DType) -> GraphProto {
    (0..RANKS).fold(GraphProto::named("identity"), |graph, rank| {
        let extents: Vec<String> = (0..rank).map(|axis| format!("d{rank}{axis}")).collect();
        let (x, y, between) = (format!("x{rank}"), format!("y{rank}"), format!("z{rank}"));
        let extents = dims(&extents.join(","));
        graph
            .takes(&x, dtype, &extents)
            .with(node("Identity", &[&x], &[&between]))
            .with(node("Identity", &[&between], &[&y]))
            .gives(&y, dtype, &extents)
    })
}

fn round_trip(subject: &Subject, dtype: DType) -> Result<(), Failure> {
    let mut session = subject.session(graph(dtype))?;
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    // The same inputs in every run: a failure is there again when it is looked for.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let session = std::cell::RefCell::new(&mut session);
    let tried = runner.run(&inputs(dtype), |inputs| {
        let mut session = session.borrow_mut();
        let outputs = infer(session.as_mut(), &inputs).map_err(Failure::from);
        outputs
            .and_then(|outputs| check_outputs(&outputs, &inputs, Tolerance::Exact))
            .map_err(|Failure(reason)| TestCaseError::fail(reason))
    });
    Ok(tried?)
}

fn inputs(dtype: DType) -> impl Strategy<Value = Vec<TensorData>> {
    (0..RANKS)
        .map(|rank| tensor(dtype, rank))
        .collect::<Vec<_>>()
}

fn tensor(dtype: DType, rank: usize) -> impl Strategy<Value = TensorData> {
    prop::collection::vec(0_usize..5, rank).prop_flat_map(move |extents| {
        let count = extents.iter().product();
        elements(dtype, count).prop_map(move |bytes| {
            let shape = Shape::new(extents.clone());
            TensorData::new(dtype, shape, bytes).expect("as many bytes as the shape asks for")
        })
    })
}

fn elements(dtype: DType, count: usize) -> BoxedStrategy<Vec<u8>> {
    let Some(size) = dtype.element_size() else {
        // Any text; what is not text has a case of its own.
        let texts = prop::collection::vec(any::<String>(), count);
        let encode = |texts| strings::encode::<String>(texts).expect("texts are short");
        return texts.prop_map(encode).boxed();
    };
    let bytes = if dtype == DType::Bool {
        prop::collection::vec(0_u8..2, count).boxed()
    } else {
        prop::collection::vec(any::<u8>(), count * size).boxed()
    };
    bytes.prop_map(move |bytes| quiet(dtype, bytes)).boxed()
}

/// Passing a signalling NaN through a register may make it a quiet one, which is no fault of a runner.
fn quiet(dtype: DType, mut bytes: Vec<u8>) -> Vec<u8> {
    let is_nan = |element: &[u8]| match dtype {
        DType::Fp16 => read(element).is_some_and(|bytes| f16::from_le_bytes(bytes).is_nan()),
        DType::Bf16 => read(element).is_some_and(|bytes| bf16::from_le_bytes(bytes).is_nan()),
        DType::Fp32 => read(element).is_some_and(|bytes| f32::from_le_bytes(bytes).is_nan()),
        DType::Fp64 => read(element).is_some_and(|bytes| f64::from_le_bytes(bytes).is_nan()),
        _ => false,
    };
    for element in bytes.chunks_exact_mut(dtype.element_size().unwrap_or(1)) {
        if is_nan(element) {
            element.fill(0xff);
        }
    }
    bytes
}

fn read<const SIZE: usize>(element: &[u8]) -> Option<[u8; SIZE]> {
    element.try_into().ok()
}
