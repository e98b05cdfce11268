//! Whole numbers of every width.

use nav_package_format::DType;
use nav_package_format::onnx::build::{Element, dims, int, node};
use nav_package_format::onnx::proto::{GraphProto, NodeProto};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{bools, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "integers",
    cases: &[
        case("add-uint8", |subject| add(subject, [u8::MAX, 0, 7])),
        case("add-uint16", |subject| add(subject, [u16::MAX, 0, 7])),
        case("add-uint32", |subject| add(subject, [u32::MAX, 0, 7])),
        case("add-uint64", |subject| add(subject, [u64::MAX, 0, 7])),
        case("add-int8", |subject| add(subject, [i8::MAX, i8::MIN, 7])),
        case("add-int16", |subject| add(subject, [i16::MAX, i16::MIN, 7])),
        case("add-int32", |subject| add(subject, [i32::MAX, i32::MIN, 7])),
        case("add-int64", |subject| add(subject, [i64::MAX, i64::MIN, 7])),
        case("equal-uint8", |subject| equal(subject, [u8::MAX, 0, 7])),
        case("equal-uint16", |subject| equal(subject, [u16::MAX, 0, 7])),
        case("equal-uint32", |subject| equal(subject, [u32::MAX, 0, 7])),
        case("equal-uint64", |subject| equal(subject, [u64::MAX, 0, 7])),
        case("equal-int8", |subject| {
            equal(subject, [i8::MAX, i8::MIN, 7])
        }),
        case("equal-int16", |subject| {
            equal(subject, [i16::MAX, i16::MIN, 7])
        }),
        case("equal-int32", |subject| {
            equal(subject, [i32::MAX, i32::MIN, 7])
        }),
        case("equal-int64", |subject| {
            equal(subject, [i64::MAX, i64::MIN, 7])
        }),
        case("widen-uint8", |subject| widen(subject, [u8::MAX, 0, 7])),
        case("widen-uint16", |subject| widen(subject, [u16::MAX, 0, 7])),
        case("widen-uint32", |subject| widen(subject, [u32::MAX, 0, 7])),
        case("widen-int8", |subject| {
            widen(subject, [i8::MAX, i8::MIN, 7])
        }),
        case("widen-int16", |subject| {
            widen(subject, [i16::MAX, i16::MIN, 7])
        }),
        case("widen-int32", |subject| {
            widen(subject, [i32::MAX, i32::MIN, 7])
        }),
        case("widen-int64", |subject| {
            widen(subject, [i64::MAX, i64::MIN, 7])
        }),
        case("widen-and-add", widen_and_add),
        case("large-fp64", large_float),
        case("divide", divide),
        case("remainder", remainder),
    ],
};

fn binary(dtype: DType, operator: NodeProto, output: DType) -> GraphProto {
    GraphProto::named("integers")
        .takes("a", dtype, &dims("n"))
        .takes("b", dtype, &dims("n"))
        .with(operator)
        .gives("y", output, &dims("n"))
}

/// Sums that fit; what becomes of others is up to the runtime.
fn add<E: Element + Default>(subject: &Subject, extremes: [E; 3]) -> Result<(), Failure> {
    let graph = binary(E::DTYPE, node("Add", &["a", "b"], &["y"]), E::DTYPE);
    let zero = E::default();
    let [high, low, some] = extremes;
    let inputs = [
        numbers(&[5], &[high, low, some, zero, zero]),
        numbers(&[5], &[zero, zero, zero, high, some]),
    ];
    let y = numbers(&[5], &[high, low, some, high, some]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

fn equal<E: Element + Default>(subject: &Subject, extremes: [E; 3]) -> Result<(), Failure> {
    let graph = binary(E::DTYPE, node("Equal", &["a", "b"], &["y"]), DType::Bool);
    let [high, low, some] = extremes;
    let inputs = [
        numbers(&[4], &[high, low, some, high]),
        numbers(&[4], &[high, low, low, some]),
    ];
    let y = bools(&[4], &[true, true, false, false]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

fn widen<E: Element + Into<i64>>(subject: &Subject, extremes: [E; 3]) -> Result<(), Failure> {
    // The format's number of the type INT64.
    let cast = node("Cast", &["x"], &["y"]).with(int("to", 7));
    let graph = GraphProto::named("widen")
        .takes("x", E::DTYPE, &dims("n"))
        .with(cast)
        .gives("y", DType::Int64, &dims("n"));
    let y = numbers(&[3], &extremes.map(Into::into));
    subject.check(graph, &[numbers(&[3], &extremes)], &[y], Tolerance::Exact)
}

/// With a number of 64 bits that was one before.
fn widen_and_add(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("sum")
        .takes("a", DType::Uint32, &dims("n"))
        .takes("b", DType::Int64, &dims("n"))
        .with(node("Cast", &["a"], &["wide"]).with(int("to", 7)))
        .with(node("Add", &["wide", "b"], &["y"]))
        .gives("y", DType::Int64, &dims("n"));
    let inputs = [
        numbers(&[2], &[u32::MAX, 1]),
        numbers(&[2], &[1_i64 << 40, -1]),
    ];
    let y = numbers(&[2], &[(1_i64 << 40) + i64::from(u32::MAX), 0]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

fn large_float(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("large")
        .takes("x", DType::Fp64, &dims("n"))
        .with(node("Cast", &["x"], &["y"]).with(int("to", 7)))
        .gives("y", DType::Int64, &dims("n"));
    let x = numbers(&[4], &[1e15, -1e15, 2.9, -2.9]);
    let y = numbers(
        &[4],
        &[1_000_000_000_000_000_i64, -1_000_000_000_000_000, 2, -2],
    );
    subject.check(graph, &[x], &[y], Tolerance::Exact)
}

/// Towards zero.
fn divide(subject: &Subject) -> Result<(), Failure> {
    let graph = binary(DType::Int32, node("Div", &["a", "b"], &["y"]), DType::Int32);
    let inputs = [
        numbers(&[4], &[7_i32, -7, 7, -7]),
        numbers(&[4], &[2_i32, 2, -2, -2]),
    ];
    let y = numbers(&[4], &[3_i32, -3, -3, 3]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

/// With the sign of the divisor.
fn remainder(subject: &Subject) -> Result<(), Failure> {
    let graph = binary(DType::Int64, node("Mod", &["a", "b"], &["y"]), DType::Int64);
    let inputs = [
        numbers(&[4], &[7_i64, -7, 7, -7]),
        numbers(&[4], &[3_i64, 3, -3, -3]),
    ];
    let y = numbers(&[4], &[1_i64, 2, -2, -1]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}
