//! Brain floating point numbers.

use half::bf16;
use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{brains, noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "bf16",
    cases: &[
        case("add", add),
        case("to-fp32", widen),
        case("from-fp32", narrow),
        case("inside-the-graph", inside),
    ],
};

/// The format's numbers of types.
const FLOAT: i64 = 1;
const BFLOAT16: i64 = 16;

fn brain(numbers: &[f32]) -> Vec<bf16> {
    numbers.iter().copied().map(bf16::from_f32).collect()
}

fn add(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("brain")
        .takes("a", DType::Bf16, &dims("n"))
        .takes("b", DType::Bf16, &dims("n"))
        .with(node("Add", &["a", "b"], &["y"]))
        .gives("y", DType::Bf16, &dims("n"));
    let all = brain(&noise(16));
    let (a, b) = all.split_at(8);
    let y: Vec<bf16> = a.iter().zip(b).map(|(&a, &b)| a + b).collect();
    let inputs = [brains(&[8], a), brains(&[8], b)];
    subject.check(graph, &inputs, &[brains(&[8], &y)], Tolerance::Ulp(1))
}

fn widen(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("widen")
        .takes("x", DType::Bf16, &dims("n"))
        .with(node("Cast", &["x"], &["y"]).with(int("to", FLOAT)))
        .gives("y", DType::Fp32, &dims("n"));
    let x = [bf16::MAX, bf16::NAN, bf16::NEG_ZERO, bf16::from_f32(0.1)];
    let y = numbers(&[4], &x.map(bf16::to_f32));
    subject.check(graph, &[brains(&[4], &x)], &[y], Tolerance::Ulp(0))
}

fn narrow(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("narrow")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Cast", &["x"], &["y"]).with(int("to", BFLOAT16)))
        .gives("y", DType::Bf16, &dims("n"));
    let x = [0.1, 1e9, 257.0, 259.0, f32::NEG_INFINITY];
    let y = brains(&[5], &brain(&x));
    subject.check(graph, &[numbers(&[5], &x)], &[y], Tolerance::Ulp(0))
}

/// Where neither input nor output is one.
fn inside(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("inside")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Cast", &["x"], &["brain"]).with(int("to", BFLOAT16)))
        .with(node("Cast", &["brain"], &["y"]).with(int("to", FLOAT)))
        .gives("y", DType::Fp32, &dims("n"));
    let x = noise(9);
    let y: Vec<f32> = brain(&x).iter().map(|y| y.to_f32()).collect();
    subject.check(
        graph,
        &[numbers(&[9], &x)],
        &[numbers(&[9], &y)],
        Tolerance::Exact,
    )
}
