//! Tensors without elements: a batch of none is a request like any other.

use std::slice::from_ref;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node, tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "empty-batch",
    cases: &[
        case("elementwise", elementwise),
        case("matmul", matmul),
        case("sum-is-zero", sum),
        case("concat", concat),
        case("fixed-to-none", fixed_to_none),
        case("between-full-ones", between_full_ones),
    ],
};

const NOTHING: [f32; 0] = [];

fn elementwise(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("empty")
        .takes("x", DType::Fp32, &dims("batch,3"))
        .with(node("Relu", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,3"));
    let none = numbers(&[0, 3], &NOTHING);
    subject.check(graph, from_ref(&none), from_ref(&none), Tolerance::Exact)
}

fn product() -> GraphProto {
    GraphProto::named("empty")
        .takes("x", DType::Fp32, &dims("batch,2"))
        .holds(tensor(
            "weight",
            &[2, 3],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0_f32],
        ))
        .with(node("MatMul", &["x", "weight"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,3"))
}

fn matmul(subject: &Subject) -> Result<(), Failure> {
    let (x, y) = (numbers(&[0, 2], &NOTHING), numbers(&[0, 3], &NOTHING));
    subject.check(product(), &[x], &[y], Tolerance::Exact)
}

fn sum(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("empty")
        .takes("x", DType::Fp32, &dims("batch,3"))
        .holds(tensor("axis", &[1], &[0_i64]))
        .with(node("ReduceSum", &["x", "axis"], &["y"]).with(int("keepdims", 0)))
        .gives("y", DType::Fp32, &dims("3"));
    let (x, y) = (numbers(&[0, 3], &NOTHING), numbers(&[3], &[0.0_f32; 3]));
    subject.check(graph, &[x], &[y], Tolerance::Exact)
}

fn concat(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("empty")
        .takes("a", DType::Fp32, &dims("m,2"))
        .takes("b", DType::Fp32, &dims("n,2"))
        .with(node("Concat", &["a", "b"], &["y"]).with(int("axis", 0)))
        .gives("y", DType::Fp32, &dims("both,2"));
    let (a, b) = (
        numbers(&[0, 2], &NOTHING),
        numbers(&[1, 2], &[1.0, 2.0_f32]),
    );
    subject.check(graph, &[a, b.clone()], &[b], Tolerance::Exact)
}

/// Declared as empty, and not just given so.
fn fixed_to_none(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("empty")
        .takes("x", DType::Int64, &dims("2,0"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Int64, &dims("2,0"));
    let none = numbers::<i64>(&[2, 0], &[]);
    subject.check(graph, from_ref(&none), from_ref(&none), Tolerance::Exact)
}

fn between_full_ones(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(product())?;
    let full = (
        numbers(&[1, 2], &[1.0, 1.0_f32]),
        numbers(&[1, 3], &[5.0, 7.0, 9.0_f32]),
    );
    let none = (numbers(&[0, 2], &NOTHING), numbers(&[0, 3], &NOTHING));
    for (x, y) in [full.clone(), none.clone(), full, none] {
        check_outputs(&infer(session.as_mut(), &[x])?, &[y], Tolerance::Exact)?;
    }
    Ok(())
}
