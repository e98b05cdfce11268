//! Products of matrices.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, float, int, node, tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "matmul",
    cases: &[
        case("plain", |subject| plain(subject, [3, 4, 5])),
        case("one-row", |subject| plain(subject, [1, 64, 33])),
        case("one-column", |subject| plain(subject, [7, 64, 1])),
        case("large", |subject| plain(subject, [65, 130, 67])),
        case("batched", batched),
        case("vectors", vectors),
        case("gemm", gemm),
    ],
};

/// The product of two matrices: as many rows as the first, terms in each sum, columns as the second.
pub(crate) fn product(a: &[f32], b: &[f32], [rows, terms, columns]: [usize; 3]) -> Vec<f32> {
    let element = |row: usize, column: usize| {
        let pairs = (0..terms).map(|i| (a[row * terms + i], b[i * columns + column]));
        pairs.map(|(a, b)| f64::from(a) * f64::from(b)).sum::<f64>()
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places
        .map(|(row, column)| narrow(element(row, column)))
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn narrow(wide: f64) -> f32 {
    wide as f32
}

fn plain(subject: &Subject, [rows, terms, columns]: [usize; 3]) -> Result<(), Failure> {
    let graph = GraphProto::named("product")
        .takes("a", DType::Fp32, &dims(&format!("rows,{terms}")))
        .takes("b", DType::Fp32, &dims(&format!("{terms},{columns}")))
        .with(node("MatMul", &["a", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims(&format!("rows,{columns}")));
    let all = noise(rows * terms + terms * columns);
    let (a, b) = all.split_at(rows * terms);
    let y = numbers(&[rows, columns], &product(a, b, [rows, terms, columns]));
    let inputs = [numbers(&[rows, terms], a), numbers(&[terms, columns], b)];
    subject.check(graph, &inputs, &[y], Tolerance::Close)
}

/// One matrix for all of a batch.
fn batched(subject: &Subject) -> Result<(), Failure> {
    let (batch, rows, terms, columns) = (3, 2, 5, 4);
    let graph = GraphProto::named("batched")
        .takes("a", DType::Fp32, &dims("batch,2,5"))
        .takes("b", DType::Fp32, &dims("1,5,4"))
        .with(node("MatMul", &["a", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,2,4"));
    let all = noise(batch * rows * terms + terms * columns);
    let (a, b) = all.split_at(batch * rows * terms);
    let y: Vec<f32> = a
        .chunks(rows * terms)
        .flat_map(|a| product(a, b, [rows, terms, columns]))
        .collect();
    let inputs = [
        numbers(&[batch, rows, terms], a),
        numbers(&[1, terms, columns], b),
    ];
    subject.check(
        graph,
        &inputs,
        &[numbers(&[batch, rows, columns], &y)],
        Tolerance::Close,
    )
}

/// A vector is a row on the left and a column on the right, and neither stays.
fn vectors(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("vectors")
        .takes("a", DType::Fp32, &dims("3"))
        .takes("b", DType::Fp32, &dims("3,2"))
        .with(node("MatMul", &["a", "b"], &["y"]))
        .gives("y", DType::Fp32, &dims("2"));
    let (a, b) = ([1.0, 2.0, 3.0_f32], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0_f32]);
    let y = numbers(&[2], &product(&a, &b, [1, 3, 2]));
    let inputs = [numbers(&[3], &a), numbers(&[3, 2], &b)];
    subject.check(graph, &inputs, &[y], Tolerance::Close)
}

/// Factors, a transposed weight and a bias that is spread over rows.
fn gemm(subject: &Subject) -> Result<(), Failure> {
    let (rows, terms, columns) = (2, 3, 4);
    let all = noise(columns * terms + columns + rows * terms);
    let (weight, rest) = all.split_at(columns * terms);
    let (bias, a) = rest.split_at(columns);
    let operator = node("Gemm", &["a", "weight", "bias"], &["y"])
        .with(float("alpha", 0.5))
        .with(float("beta", 2.0))
        .with(int("transB", 1));
    let graph = GraphProto::named("gemm")
        .takes("a", DType::Fp32, &dims("batch,3"))
        .holds(tensor("weight", &[4, 3], weight))
        .holds(tensor("bias", &[4], bias))
        .with(operator)
        .gives("y", DType::Fp32, &dims("batch,4"));
    let transposed: Vec<f32> = (0..terms * columns)
        .map(|i| weight[(i % columns) * terms + i / columns])
        .collect();
    let product = product(a, &transposed, [rows, terms, columns]);
    let y = product.iter().zip(bias.iter().cycle());
    let y: Vec<f32> = y.map(|(y, bias)| 0.5 * y + 2.0 * bias).collect();
    let y = numbers(&[rows, columns], &y);
    subject.check(graph, &[numbers(&[rows, terms], a)], &[y], Tolerance::Close)
}
