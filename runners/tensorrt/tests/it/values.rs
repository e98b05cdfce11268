//! Tensors, and a graph that doubles its rows.

use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Shape, TensorData};
use nav_runners::{Outputs, Session};

use crate::double::infer;

/// Numbers of a type whose elements have so many bytes.
pub(crate) fn data<const N: usize>(
    dtype: DType,
    shape: &[usize],
    elements: &[[u8; N]],
) -> TensorData {
    let shape = Shape::new(shape.iter().copied());
    TensorData::new(dtype, shape, elements.concat()).unwrap()
}

pub(crate) fn floats(shape: &[usize], numbers: &[f32]) -> TensorData {
    let elements: Vec<[u8; 4]> = numbers.iter().map(|number| number.to_le_bytes()).collect();
    data(DType::Fp32, shape, &elements)
}

pub(crate) fn whole(shape: &[usize], numbers: &[i64]) -> TensorData {
    let elements: Vec<[u8; 8]> = numbers.iter().map(|number| number.to_le_bytes()).collect();
    data(DType::Int64, shape, &elements)
}

pub(crate) fn expect(outputs: &Outputs, expected: &[TensorData]) {
    let found = outputs.iter().map(|output| {
        let shape = output.desc.shape.clone();
        TensorData::new(output.desc.dtype, shape, output.bytes.to_vec()).unwrap()
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

/// `y = x * 2`, of rows of two.
pub(crate) fn doubled() -> GraphProto {
    GraphProto::named("doubled")
        .takes("x", DType::Fp32, &dims("batch,2"))
        .holds(tensor("two", &[], &[2.0_f32]))
        .with(node("Mul", &["x", "two"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,2"))
}

/// Rows of two, and the same doubled.
pub(crate) fn rows(count: usize, first: f32) -> (TensorData, TensorData) {
    let numbers = std::iter::successors(Some(first), |last| Some(last + 1.0));
    let numbers: Vec<f32> = numbers.take(2 * count).collect();
    let doubled: Vec<f32> = numbers.iter().map(|number| number * 2.0).collect();
    (floats(&[count, 2], &numbers), floats(&[count, 2], &doubled))
}

pub(crate) fn check_rows(session: &mut dyn Session, count: usize, first: f32) {
    let (x, y) = rows(count, first);
    expect(&infer(session, &[x]).unwrap(), &[y]);
}
