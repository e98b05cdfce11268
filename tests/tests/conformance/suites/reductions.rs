//! Operators that make few elements of many.

use nav_package_format::onnx::build::{dims, int, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, NodeProto};
use nav_package_format::{DType, TensorData};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "reductions",
    cases: &[
        case("sum", |subject| {
            rows(subject, "ReduceSum", |row| row.iter().sum())
        }),
        case("mean", |subject| {
            rows(subject, "ReduceMean", |row| row.iter().sum::<f32>() / 5.0)
        }),
        case("max", |subject| {
            rows(subject, "ReduceMax", |row| {
                row.iter().copied().fold(f32::MIN, f32::max)
            })
        }),
        case("min", |subject| {
            rows(subject, "ReduceMin", |row| {
                row.iter().copied().fold(f32::MAX, f32::min)
            })
        }),
        case("product", |subject| {
            rows(subject, "ReduceProd", |row| row.iter().product())
        }),
        case("sum-keeps-dims", sum_keeps_dims),
        case("argmax", argmax),
        case("softmax", softmax),
    ],
};

fn graph(operator: NodeProto, axis: i64, output: DType, output_dims: &str) -> GraphProto {
    let graph = GraphProto::named("reduction").takes("x", DType::Fp32, &dims("rows,5"));
    // Attributes have their axis in them.
    let graph = match operator.input.len() {
        1 => graph,
        _ => graph.holds(tensor("axis", &[1], &[axis])),
    };
    graph.with(operator).gives("y", output, &dims(output_dims))
}

fn check(
    subject: &Subject,
    graph: GraphProto,
    expected: impl Fn(&[f32]) -> TensorData,
    tolerance: Tolerance,
) -> Result<(), Failure> {
    let x = noise(20);
    let y = expected(&x);
    subject.check(graph, &[numbers(&[4, 5], &x)], &[y], tolerance)
}

fn rows(subject: &Subject, operator: &str, expected: fn(&[f32]) -> f32) -> Result<(), Failure> {
    let operator = node(operator, &["x", "axis"], &["y"]).with(int("keepdims", 0));
    let graph = graph(operator, -1, DType::Fp32, "rows");
    let by_row = |x: &[f32]| {
        let y: Vec<f32> = x.chunks(5).map(expected).collect();
        numbers(&[4], &y)
    };
    check(subject, graph, by_row, Tolerance::Close)
}

fn sum_keeps_dims(subject: &Subject) -> Result<(), Failure> {
    let graph = graph(
        node("ReduceSum", &["x", "axis"], &["y"]),
        0,
        DType::Fp32,
        "1,5",
    );
    let by_column = |x: &[f32]| {
        let sum = |column| x.iter().skip(column).step_by(5).sum::<f32>();
        let y: Vec<f32> = (0..5).map(sum).collect();
        numbers(&[1, 5], &y)
    };
    check(subject, graph, by_column, Tolerance::Close)
}

/// The first of those that are equal.
fn argmax(subject: &Subject) -> Result<(), Failure> {
    let operator = node("ArgMax", &["x"], &["y"])
        .with(int("axis", 1))
        .with(int("keepdims", 0));
    let graph = graph(operator, 1, DType::Int64, "rows");
    let x = [0.0, 3.0, 3.0, 1.0, 2.0, -5.0, -4.0, -3.0, -2.0, -1.0_f32];
    let y = numbers(&[2], &[1_i64, 4]);
    subject.check(graph, &[numbers(&[2, 5], &x)], &[y], Tolerance::Exact)
}

fn softmax(subject: &Subject) -> Result<(), Failure> {
    let operator = node("Softmax", &["x"], &["y"]).with(int("axis", 1));
    let graph = graph(operator, 1, DType::Fp32, "rows,5");
    // Far from 0, where the plain definition overflows.
    let x = [1000.0, 1001.0, 999.0, 1000.5, 0.0_f32];
    let powers = x.map(|x| (f64::from(x) - 1001.0).exp());
    let sum: f64 = powers.iter().sum();
    let y = powers.map(|power| power / sum);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding is what is wanted"
    )]
    let y = numbers(&[1, 5], &y.map(|y| y as f32));
    subject.check(graph, &[numbers(&[1, 5], &x)], &[y], Tolerance::Close)
}
