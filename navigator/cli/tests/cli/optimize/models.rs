//! Models that are as they should be, and models that misbehave in every way that real ones do.

use nav_package_format::DType;
use nav_package_format::onnx::build::{
    dims, external_tensor, graph_value, int, node, raw_tensor, tensor,
};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

/// A graph from `x` to `y`, both of this shape.
fn graph(shape: &str) -> GraphProto {
    GraphProto::named("model")
        .takes("x", DType::Fp32, &dims(shape))
        .gives("y", DType::Fp32, &dims(shape))
}

/// `y = x + 1 + 2` as the first versions of the format have it, which name each weight as an input too. What
/// optimizes it makes one weight of two.
pub(super) fn weights_named_as_inputs() -> ModelProto {
    let mut model = graph("batch,4")
        .takes("one", DType::Fp32, &dims("1"))
        .takes("two", DType::Fp32, &dims("1"))
        .holds(tensor("one", &[1], &[1.0_f32]))
        .holds(tensor("two", &[1], &[2.0_f32]))
        .with(node("Add", &["one", "two"], &["three"]))
        .with(node("Add", &["x", "three"], &["y"]))
        .into_model();
    model.ir_version = Some(3);
    for opset in &mut model.opset_import {
        opset.version = Some(8);
    }
    model
}

/// `y = x + noise`, other noise in each run.
pub(super) fn random() -> ModelProto {
    graph("batch,4")
        .with(node("RandomNormalLike", &["x"], &["noise"]))
        .with(node("Add", &["x", "noise"], &["y"]))
        .into_model()
}

/// `y = 0 / 0`.
pub(super) fn not_a_number() -> ModelProto {
    graph("batch,4")
        .with(node("Sub", &["x", "x"], &["zero"]))
        .with(node("Div", &["zero", "zero"], &["y"]))
        .into_model()
}

/// Gives the positive rows of what it says to give whole.
pub(super) fn other_shape() -> ModelProto {
    graph("batch,4")
        .holds(tensor("zero", &[1], &[0.0_f32]))
        .holds(tensor("first", &[1], &[0_i64]))
        .holds(tensor("second", &[1], &[1_i64]))
        .holds(tensor("axis", &[1], &[1_i64]))
        .with(node(
            "Slice",
            &["x", "first", "second", "axis"],
            &["column"],
        ))
        .with(node("Greater", &["column", "zero"], &["positive_column"]))
        .with(node("Squeeze", &["positive_column", "axis"], &["positive"]))
        .with(node("Compress", &["x", "positive"], &["y"]).with(int("axis", 0)))
        .into_model()
}

/// Adds 0 to `x` so many times.
pub(super) fn endless(times: i64) -> ModelProto {
    let body = GraphProto::named("body")
        .takes("number", DType::Int64, &[])
        .takes("goes_on", DType::Bool, &[])
        .takes("sum", DType::Fp32, &dims("batch,4"))
        .with(node("Identity", &["goes_on"], &["goes_on_still"]))
        .with(node("Add", &["sum", "nothing"], &["next_sum"]))
        .gives("goes_on_still", DType::Bool, &[])
        .gives("next_sum", DType::Fp32, &dims("batch,4"));
    graph("batch,4")
        .holds(tensor("times", &[], &[times]))
        .holds(raw_tensor("yes", DType::Bool, &[], vec![1]))
        .holds(tensor("nothing", &[1], &[0.0_f32]))
        .with(node("Loop", &["times", "yes", "x"], &["y"]).with(graph_value("body", body)))
        .into_model()
}

/// Blows `x` up to so many megabytes on the way.
pub(super) fn hungry(megabytes: i64) -> ModelProto {
    graph("1,4")
        .holds(tensor("wide", &[2], &[megabytes * (1 << 18) / 4, 4]))
        .holds(tensor("axis", &[1], &[0_i64]))
        .with(node("Expand", &["x", "wide"], &["much"]))
        .with(node("Exp", &["much"], &["more"]))
        .with(node("ReduceMax", &["more", "axis"], &["y"]))
        .into_model()
}

/// The nodes and constants that name `quotient` what no 64 bits hold, the smallest integer by -1, of which a processor with an
/// instruction for division ends the process. It follows from the shape of `x`, so that it is not known before a run.
fn with_quotient(graph: GraphProto) -> GraphProto {
    graph
        .holds(tensor("first", &[], &[0_i64]))
        .holds(tensor("second", &[], &[1_i64]))
        .holds(tensor("far_down", &[], &[-(1_i64 << 61)]))
        .holds(tensor("five", &[], &[5_i64]))
        .holds(tensor("axis", &[1], &[0_i64]))
        .with(node("Shape", &["x"], &["shape"]))
        .with(node("Gather", &["shape", "second"], &["columns"]))
        .with(node("Mul", &["columns", "far_down"], &["smallest"]))
        .with(node("Sub", &["columns", "five"], &["minus_one"]))
        .with(node("Div", &["smallest", "minus_one"], &["quotient"]))
}

/// Ends the process of ONNX Runtime wherever it runs.
pub(super) fn crashing() -> ModelProto {
    with_quotient(graph("batch,4"))
        .with(node("Unsqueeze", &["quotient", "axis"], &["large"]))
        .with(node("Cast", &["large"], &["number"]).with(int("to", 1)))
        .with(node("Add", &["x", "number"], &["y"]))
        .into_model()
}

/// Ends the process of ONNX Runtime only where graphs are run as they are: the others see that one extent follows from the
/// rest, and do not compute it.
pub(super) fn crashing_unless_rewritten() -> ModelProto {
    with_quotient(graph("batch,4"))
        .with(node("Gather", &["shape", "first"], &["rows"]))
        .with(node("Unsqueeze", &["rows", "axis"], &["the_rows"]))
        .with(node("Unsqueeze", &["quotient", "axis"], &["the_columns"]))
        .with(node("Concat", &["the_rows", "the_columns"], &["wanted"]).with(int("axis", 0)))
        .with(node("Reshape", &["x", "wanted"], &["y"]))
        .into_model()
}

/// An operator that nobody has.
pub(super) fn unknown_operator() -> ModelProto {
    graph("batch,4")
        .with(node("Frobnicate", &["x"], &["y"]).in_domain("nowhere.example"))
        .into_model()
        .imports("nowhere.example", 1)
}

/// `y = x w`, with `w` in `weights.bin`: 16 numbers.
pub(super) fn with_external_data() -> ModelProto {
    let places = [
        ("location", "weights.bin"),
        ("offset", "0"),
        ("length", "64"),
    ];
    graph("batch,4")
        .holds(external_tensor("w", DType::Fp32, &[4, 4], &places))
        .with(node("MatMul", &["x", "w"], &["y"]))
        .into_model()
}

/// Looks words up in a table of 5: larger ones fail.
pub(super) fn table() -> ModelProto {
    GraphProto::named("table")
        .takes("words", DType::Int64, &dims("batch,seq"))
        .gives("y", DType::Fp32, &dims("batch,seq,2"))
        .holds(tensor("rows", &[5, 2], &[0.5_f32; 10]))
        .with(node("Gather", &["rows", "words"], &["y"]))
        .into_model()
}

/// Dimensions that nobody can guess.
pub(super) fn open_dimensions() -> ModelProto {
    graph("batch,planets,3")
        .with(node("Neg", &["x"], &["y"]))
        .into_model()
}
