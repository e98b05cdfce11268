//! Operators that work on each element alone.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "elementwise",
    cases: &[
        case("add", |subject| binary(subject, "Add", |a, b| a + b)),
        case("sub", |subject| binary(subject, "Sub", |a, b| a - b)),
        case("mul", |subject| binary(subject, "Mul", |a, b| a * b)),
        case("div", |subject| binary(subject, "Div", |a, b| a / b)),
        case("broadcast", broadcast),
        case("relu", |s| {
            unary(s, "Relu", Tolerance::Exact, |x| x.max(0.0))
        }),
        case("abs", |s| unary(s, "Abs", Tolerance::Exact, f32::abs)),
        case("neg", |s| unary(s, "Neg", Tolerance::Exact, |x| -x)),
        case("floor", |s| unary(s, "Floor", Tolerance::Exact, f32::floor)),
        case("exp", |s| unary(s, "Exp", Tolerance::Ulp(8), f32::exp)),
        case("tanh", |s| unary(s, "Tanh", Tolerance::Close, f32::tanh)),
        case("sigmoid", |s| {
            unary(s, "Sigmoid", Tolerance::Close, |x| 1.0 / (1.0 + (-x).exp()))
        }),
        case("sqrt", square_root),
        case("special-values", special_values),
        case("chain", chain),
    ],
};

fn unary(
    subject: &Subject,
    operator: &str,
    tolerance: Tolerance,
    expected: fn(f32) -> f32,
) -> Result<(), Failure> {
    let graph = GraphProto::named("unary")
        .takes("x", DType::Fp32, &dims("rows,17"))
        .with(node(operator, &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("rows,17"));
    let x: Vec<f32> = noise(51).iter().map(|x| 4.0 * x).collect();
    let y: Vec<f32> = x.iter().copied().map(expected).collect();
    let y = numbers(&[3, 17], &y);
    subject.check(graph, &[numbers(&[3, 17], &x)], &[y], tolerance)
}

fn two_inputs(operator: &str, a: &str, b: &str, y: &str) -> GraphProto {
    GraphProto::named("binary")
        .takes("a", DType::Fp32, &dims(a))
        .takes("b", DType::Fp32, &dims(b))
        .with(node(operator, &["a", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims(y))
}

fn binary(subject: &Subject, operator: &str, expected: fn(f32, f32) -> f32) -> Result<(), Failure> {
    let graph = two_inputs(operator, "rows,13", "rows,13", "rows,13");
    let numbers_of_both = noise(52);
    let (a, b) = numbers_of_both.split_at(26);
    let y: Vec<f32> = a.iter().zip(b).map(|(&a, &b)| expected(a, b)).collect();
    let inputs = [numbers(&[2, 13], a), numbers(&[2, 13], b)];
    // Multiplying by a reciprocal is allowed to be off by one.
    let tolerance = Tolerance::Ulp(u32::from(operator == "Div"));
    subject.check(graph, &inputs, &[numbers(&[2, 13], &y)], tolerance)
}

fn broadcast(subject: &Subject) -> Result<(), Failure> {
    let graph = two_inputs("Add", "2,1,3", "4,1", "2,4,3");
    let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0_f32];
    let b = [10.0, 20.0, 30.0, 40.0_f32];
    let rows = a.as_chunks::<3>().0;
    let y = rows
        .iter()
        .flat_map(|row| b.iter().flat_map(move |b| row.iter().map(move |a| a + b)));
    let y: Vec<f32> = y.collect();
    let inputs = [numbers(&[2, 1, 3], &a), numbers(&[4, 1], &b)];
    subject.check(graph, &inputs, &[numbers(&[2, 4, 3], &y)], Tolerance::Exact)
}

fn square_root(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("root")
        .takes("x", DType::Fp32, &dims("5"))
        .with(node("Sqrt", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("5"));
    let x = [0.0, 2.0, 9.0, 1e-30, -1.0_f32];
    let y = x.map(f32::sqrt);
    let y = numbers(&[5], &y);
    subject.check(graph, &[numbers(&[5], &x)], &[y], Tolerance::Ulp(1))
}

/// Infinities, NaN, signed zeros and the smallest numbers go by the rules of the standard.
fn special_values(subject: &Subject) -> Result<(), Failure> {
    let a = [f32::INFINITY, f32::NAN, -0.0, 1.0, -1.0, f32::MAX, 0.0];
    let b = [1.0, 1.0, 1.0, 0.0, 0.0, f32::MIN_POSITIVE, 0.0];
    let y: Vec<f32> = a.iter().zip(b).map(|(a, b)| a / b).collect();
    let graph = two_inputs("Div", "7", "7", "7");
    let inputs = [numbers(&[7], &a), numbers(&[7], &b)];
    subject.check(graph, &inputs, &[numbers(&[7], &y)], Tolerance::Ulp(0))
}

/// What a runtime would fuse into one operator.
fn chain(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("chain")
        .takes("x", DType::Fp32, &dims("n"))
        .holds(tensor("two", &[], &[2.0_f32]))
        .holds(tensor("three", &[], &[3.0_f32]))
        .with(node("Mul", &["x", "two"], &["doubled"]))
        .with(node("Add", &["doubled", "three"], &["moved"]))
        .with(node("Relu", &["moved"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"));
    let x: Vec<f32> = noise(40).iter().map(|x| 4.0 * x).collect();
    let y: Vec<f32> = x.iter().map(|x| (x * 2.0 + 3.0).max(0.0)).collect();
    let y = numbers(&[40], &y);
    subject.check(graph, &[numbers(&[40], &x)], &[y], Tolerance::Exact)
}
