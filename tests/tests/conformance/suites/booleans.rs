//! Truth values.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{bools, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "bool",
    cases: &[
        case("and", |subject| logic(subject, "And", |a, b| a && b)),
        case("or", |subject| logic(subject, "Or", |a, b| a || b)),
        case("xor", |subject| logic(subject, "Xor", |a, b| a != b)),
        case("not", not),
        case("greater", greater),
        case("where", choice),
    ],
};

const A: [bool; 4] = [false, false, true, true];
const B: [bool; 4] = [false, true, false, true];

fn logic(
    subject: &Subject,
    operator: &str,
    expected: fn(bool, bool) -> bool,
) -> Result<(), Failure> {
    let graph = GraphProto::named("logic")
        .takes("a", DType::Bool, &dims("n"))
        .takes("b", DType::Bool, &dims("n"))
        .with(node(operator, &["a", "b"], &["y"]))
        .gives("y", DType::Bool, &dims("n"));
    let y: Vec<bool> = A.iter().zip(B).map(|(&a, b)| expected(a, b)).collect();
    let inputs = [bools(&[4], &A), bools(&[4], &B)];
    subject.check(graph, &inputs, &[bools(&[4], &y)], Tolerance::Exact)
}

fn not(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("not")
        .takes("x", DType::Bool, &dims("2,2"))
        .with(node("Not", &["x"], &["y"]))
        .gives("y", DType::Bool, &dims("2,2"));
    let y = bools(&[2, 2], &B.map(|b| !b));
    subject.check(graph, &[bools(&[2, 2], &B)], &[y], Tolerance::Exact)
}

fn greater(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("greater")
        .takes("a", DType::Fp32, &dims("n"))
        .takes("b", DType::Fp32, &dims("n"))
        .with(node("Greater", &["a", "b"], &["y"]))
        .gives("y", DType::Bool, &dims("n"));
    let inputs = [
        numbers(&[4], &[1.0, 2.0, f32::NAN, 0.0]),
        numbers(&[4], &[2.0, 1.0, 0.0, -0.0_f32]),
    ];
    let y = bools(&[4], &[false, true, false, false]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}

fn choice(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("where")
        .takes("condition", DType::Bool, &dims("n"))
        .takes("a", DType::Int64, &dims("n"))
        .takes("b", DType::Int64, &dims("n"))
        .with(node("Where", &["condition", "a", "b"], &["y"]))
        .gives("y", DType::Int64, &dims("n"));
    let inputs = [
        bools(&[4], &B),
        numbers(&[4], &[1_i64, 2, 3, 4]),
        numbers(&[4], &[-1_i64, -2, -3, -4]),
    ];
    let y = numbers(&[4], &[-1_i64, 2, -3, 4]);
    subject.check(graph, &inputs, &[y], Tolerance::Exact)
}
