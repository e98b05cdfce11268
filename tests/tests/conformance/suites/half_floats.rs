//! Half precision.

use half::f16;
use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::suites::matrices::product;
use crate::values::{halves, noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "fp16",
    cases: &[
        case("add", |subject| binary(subject, "Add", |a, b| a + b)),
        case("mul", |subject| binary(subject, "Mul", |a, b| a * b)),
        case("matmul", matmul),
        case("to-fp32", widen),
        case("from-fp32", narrow),
    ],
};

fn half(numbers: &[f32]) -> Vec<f16> {
    numbers.iter().copied().map(f16::from_f32).collect()
}

fn binary(subject: &Subject, operator: &str, expected: fn(f32, f32) -> f32) -> Result<(), Failure> {
    let graph = GraphProto::named("half")
        .takes("a", DType::Fp16, &dims("n"))
        .takes("b", DType::Fp16, &dims("n"))
        .with(node(operator, &["a", "b"], &["y"]))
        .gives("y", DType::Fp16, &dims("n"));
    let all = half(&noise(48));
    let (a, b) = all.split_at(24);
    let y = a.iter().zip(b);
    let y: Vec<f16> = y
        .map(|(a, b)| f16::from_f32(expected(a.to_f32(), b.to_f32())))
        .collect();
    let inputs = [halves(&[24], a), halves(&[24], b)];
    subject.check(graph, &inputs, &[halves(&[24], &y)], Tolerance::Ulp(1))
}

fn matmul(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("half")
        .takes("a", DType::Fp16, &dims("3,16"))
        .takes("b", DType::Fp16, &dims("16,5"))
        .with(node("MatMul", &["a", "b"], &["y"]))
        .gives("y", DType::Fp16, &dims("3,5"));
    let all = half(&noise(3 * 16 + 16 * 5));
    let (a, b) = all.split_at(3 * 16);
    let wide = |half: &[f16]| half.iter().map(|half| half.to_f32()).collect::<Vec<_>>();
    let y = half(&product(&wide(a), &wide(b), [3, 16, 5]));
    let inputs = [halves(&[3, 16], a), halves(&[16, 5], b)];
    subject.check(graph, &inputs, &[halves(&[3, 5], &y)], Tolerance::Loose)
}

fn specials() -> [f16; 6] {
    [
        f16::MAX,
        f16::MIN_POSITIVE_SUBNORMAL,
        f16::INFINITY,
        f16::NAN,
        f16::NEG_ZERO,
        f16::from_f32(0.1),
    ]
}

fn widen(subject: &Subject) -> Result<(), Failure> {
    // The format's number of the type FLOAT.
    let graph = GraphProto::named("widen")
        .takes("x", DType::Fp16, &dims("n"))
        .with(node("Cast", &["x"], &["y"]).with(int("to", 1)))
        .gives("y", DType::Fp32, &dims("n"));
    let x = specials();
    let y = numbers(&[6], &x.map(f16::to_f32));
    subject.check(graph, &[halves(&[6], &x)], &[y], Tolerance::Ulp(0))
}

/// To the nearest, and to the even one of two; what is too large becomes infinite.
fn narrow(subject: &Subject) -> Result<(), Failure> {
    // The format's number of the type FLOAT16.
    let graph = GraphProto::named("narrow")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Cast", &["x"], &["y"]).with(int("to", 10)))
        .gives("y", DType::Fp16, &dims("n"));
    let x = [0.1, 1e9, -1e-9, 2049.0, 2051.0, f32::NEG_INFINITY];
    let y = halves(&[6], &half(&x));
    subject.check(graph, &[numbers(&[6], &x)], &[y], Tolerance::Ulp(0))
}
