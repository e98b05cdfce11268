//! Tensors without dimensions, which have one element and not none.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node, tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "scalars",
    cases: &[
        case("sum-of-two", sum_of_two),
        case("spread-over-a-tensor", spread),
        case("reduced-to", reduced_to),
        case("picked-from", picked_from),
    ],
};

fn sum_of_two(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("scalars")
        .takes("a", DType::Int64, &[])
        .takes("b", DType::Int64, &[])
        .with(node("Add", &["a", "b"], &["y"]))
        .gives("y", DType::Int64, &[]);
    let scalar = |number: i64| numbers(&[], &[number]);
    subject.check(
        graph,
        &[scalar(40), scalar(2)],
        &[scalar(42)],
        Tolerance::Exact,
    )
}

fn spread(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("scalars")
        .takes("x", DType::Fp32, &dims("2,2"))
        .takes("factor", DType::Fp32, &[])
        .with(node("Mul", &["x", "factor"], &["y"]))
        .gives("y", DType::Fp32, &dims("2,2"));
    let x = numbers(&[2, 2], &[1.0, 2.0, 3.0, 4.0_f32]);
    let y = numbers(&[2, 2], &[0.5, 1.0, 1.5, 2.0_f32]);
    subject.check(
        graph,
        &[x, numbers(&[], &[0.5_f32])],
        &[y],
        Tolerance::Exact,
    )
}

fn reduced_to(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("scalars")
        .takes("x", DType::Fp32, &dims("n"))
        .holds(tensor("axis", &[1], &[0_i64]))
        .with(node("ReduceSum", &["x", "axis"], &["y"]).with(int("keepdims", 0)))
        .gives("y", DType::Fp32, &[]);
    let x = numbers(&[3], &[1.0, 2.0, 4.0_f32]);
    subject.check(graph, &[x], &[numbers(&[], &[7.0_f32])], Tolerance::Exact)
}

fn picked_from(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("scalars")
        .takes("table", DType::Fp32, &dims("3"))
        .takes("index", DType::Int64, &[])
        .with(node("Gather", &["table", "index"], &["y"]).with(int("axis", 0)))
        .gives("y", DType::Fp32, &[]);
    let table = numbers(&[3], &[1.0, 2.0, 4.0_f32]);
    let y = numbers(&[], &[4.0_f32]);
    subject.check(
        graph,
        &[table, numbers(&[], &[2_i64])],
        &[y],
        Tolerance::Exact,
    )
}
