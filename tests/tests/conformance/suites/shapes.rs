//! Dimensions that are known only when a request comes.

use nav_package_format::onnx::build::{dims, int, node, tensor, tensor_type, value};
use nav_package_format::onnx::proto::{GraphProto, type_proto};
use nav_package_format::{DType, TensorData};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "dynamic-shapes",
    cases: &[
        case("batch", |subject| {
            doubles(subject, "batch,3", &[[1, 3], [4, 3], [2, 3], [64, 3]])
        }),
        case("every-dimension", |subject| {
            doubles(subject, "rows,columns", &[[1, 1], [5, 2], [2, 5], [1, 100]])
        }),
        case("unnamed", |subject| {
            doubles(subject, "?,?", &[[2, 2], [3, 1]])
        }),
        case("one-name-twice", |subject| {
            doubles(subject, "n,n", &[[2, 2], [3, 3]])
        }),
        case("unknown-rank", unknown_rank),
        case("shape-of-input", shape_of_input),
        case("shape-as-numbers", shape_as_numbers),
        case("flattened", flattened),
        case("concatenated", concatenated),
        case("many-shapes", many_shapes),
    ],
};

fn doubling(declared: &str) -> GraphProto {
    GraphProto::named("doubling")
        .takes("x", DType::Fp32, &dims(declared))
        .with(node("Add", &["x", "x"], &["y"]))
        .gives("y", DType::Fp32, &dims(declared))
}

fn example(shape: &[usize]) -> (TensorData, TensorData) {
    let x = noise(shape.iter().product());
    let y: Vec<f32> = x.iter().map(|x| x + x).collect();
    (numbers(shape, &x), numbers(shape, &y))
}

/// One session, one shape after the other, and the first once more.
fn doubles(subject: &Subject, declared: &str, shapes: &[[usize; 2]]) -> Result<(), Failure> {
    let mut session = subject.session(doubling(declared))?;
    for shape in shapes.iter().chain(shapes.first()) {
        let (x, y) = example(shape);
        check_outputs(&infer(session.as_mut(), &[x])?, &[y], Tolerance::Exact)?;
    }
    Ok(())
}

/// An input whose dimensions are not even counted.
fn unknown_rank(subject: &Subject) -> Result<(), Failure> {
    let mut kind = tensor_type(DType::Fp32, &[]);
    if let Some(type_proto::Value::TensorType(tensor)) = &mut kind.value {
        tensor.shape = None;
    }
    let mut graph = GraphProto::named("ranks")
        .takes_value(value("x", kind.clone()))
        .with(node("Add", &["x", "x"], &["y"]));
    graph.output.push(value("y", kind));
    let mut session = subject.session(graph)?;
    for shape in [&[2, 3][..], &[4], &[], &[1, 2, 1, 2]] {
        let (x, y) = example(shape);
        check_outputs(&infer(session.as_mut(), &[x])?, &[y], Tolerance::Exact)?;
    }
    Ok(())
}

fn shape_of_input(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("shape")
        .takes("x", DType::Fp32, &dims("a,b"))
        .with(node("Shape", &["x"], &["y"]))
        .gives("y", DType::Int64, &dims("2"));
    let mut session = subject.session(graph)?;
    for shape in [[3, 4], [1, 9]] {
        let y = shape.map(|extent| i64::try_from(extent).unwrap_or_default());
        let outputs = infer(session.as_mut(), &[example(&shape).0])?;
        check_outputs(&outputs, &[numbers(&[2], &y)], Tolerance::Exact)?;
    }
    Ok(())
}

/// Extents that are calculated with.
fn shape_as_numbers(subject: &Subject) -> Result<(), Failure> {
    // The format's number of the type FLOAT.
    let graph = GraphProto::named("size")
        .takes("x", DType::Fp32, &dims("a,b"))
        .with(node("Shape", &["x"], &["shape"]))
        .with(node("Cast", &["shape"], &["numbers"]).with(int("to", 1)))
        .with(node("ReduceProd", &["numbers"], &["y"]).with(int("keepdims", 0)))
        .gives("y", DType::Fp32, &[]);
    let mut session = subject.session(graph)?;
    for (shape, size) in [([3, 4], 12.0_f32), ([1, 9], 9.0)] {
        let outputs = infer(session.as_mut(), &[example(&shape).0])?;
        check_outputs(&outputs, &[numbers(&[], &[size])], Tolerance::Exact)?;
    }
    Ok(())
}

fn flattened(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("flattened")
        .takes("x", DType::Fp32, &dims("batch,2,3"))
        .holds(tensor("target", &[2], &[0_i64, -1]))
        .with(node("Reshape", &["x", "target"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,6"));
    let mut session = subject.session(graph)?;
    for batch in [1, 5] {
        let x = noise(batch * 6);
        let outputs = infer(session.as_mut(), &[numbers(&[batch, 2, 3], &x)])?;
        check_outputs(&outputs, &[numbers(&[batch, 6], &x)], Tolerance::Exact)?;
    }
    Ok(())
}

/// The extent of the output is the sum of two.
fn concatenated(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("concatenated")
        .takes("a", DType::Fp32, &dims("m,2"))
        .takes("b", DType::Fp32, &dims("n,2"))
        .with(node("Concat", &["a", "b"], &["y"]).with(int("axis", 0)))
        .gives("y", DType::Fp32, &dims("both,2"));
    let mut session = subject.session(graph)?;
    for (m, n) in [(1, 2), (3, 1), (2, 2)] {
        let y = noise((m + n) * 2);
        let (a, b) = y.split_at(m * 2);
        let inputs = [numbers(&[m, 2], a), numbers(&[n, 2], b)];
        let outputs = infer(session.as_mut(), &inputs)?;
        check_outputs(&outputs, &[numbers(&[m + n, 2], &y)], Tolerance::Exact)?;
    }
    Ok(())
}

/// More shapes than anyone keeps plans for.
fn many_shapes(subject: &Subject) -> Result<(), Failure> {
    let mut session = subject.session(doubling("a,b,c"))?;
    for extent in (1..=20).chain([1, 20]) {
        let (x, y) = example(&[extent, 21 - extent, 2]);
        check_outputs(&infer(session.as_mut(), &[x])?, &[y], Tolerance::Exact)?;
    }
    Ok(())
}
