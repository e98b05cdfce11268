//! What a loaded model says about itself: everything that its file says, in the order of its graph.

use nav_package_format::onnx::build::{dims, node, tensor, tensor_type, value};
use nav_package_format::onnx::proto::{GraphProto, type_proto};
use nav_package_format::{DType, Signature, TensorSpec};

use crate::case::{Failure, Suite, case, expect_equal};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "signature",
    cases: &[
        case("order-and-dims", order_and_dims),
        case("unknown-rank", unknown_rank),
        case("scalar", scalar),
        case("defaults-are-not-asked-for", defaults),
        case("no-inputs", no_inputs),
    ],
};

fn spec(name: &str, dtype: DType, extents: &str) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(dims(extents)),
        optional: false,
    }
}

fn expect_signature(
    subject: &Subject,
    graph: GraphProto,
    inputs: &[TensorSpec],
    outputs: &[TensorSpec],
) -> Result<(), Failure> {
    let expected = Signature {
        inputs: inputs.to_vec(),
        outputs: outputs.to_vec(),
    };
    expect_equal("signature", subject.load(graph)?.signature(), &expected)
}

fn order_and_dims(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("order")
        .takes("zeta", DType::Fp32, &dims("batch,3,?"))
        .takes("alpha", DType::Int64, &dims("batch"))
        .takes("middle", DType::Bool, &dims("2,sequence length"))
        .with(node("Identity", &["middle"], &["third"]))
        .with(node("Identity", &["zeta"], &["second"]))
        .with(node("Identity", &["alpha"], &["first"]))
        .gives("second", DType::Fp32, &dims("batch,3,?"))
        .gives("third", DType::Bool, &dims("2,sequence length"))
        .gives("first", DType::Int64, &dims("batch"));
    let inputs = [
        spec("zeta", DType::Fp32, "batch,3,?"),
        spec("alpha", DType::Int64, "batch"),
        spec("middle", DType::Bool, "2,sequence length"),
    ];
    let outputs = [
        spec("second", DType::Fp32, "batch,3,?"),
        spec("third", DType::Bool, "2,sequence length"),
        spec("first", DType::Int64, "batch"),
    ];
    expect_signature(subject, graph, &inputs, &outputs)
}

/// Dimensions that are not declared are not the same as none.
fn unknown_rank(subject: &Subject) -> Result<(), Failure> {
    let mut kind = tensor_type(DType::Fp32, &[]);
    if let Some(type_proto::Value::TensorType(tensor)) = &mut kind.value {
        tensor.shape = None;
    }
    let mut graph = GraphProto::named("ranks")
        .takes_value(value("x", kind.clone()))
        .with(node("Relu", &["x"], &["y"]));
    graph.output.push(value("y", kind));
    let open = |name| TensorSpec {
        dims: None,
        ..spec(name, DType::Fp32, "")
    };
    expect_signature(subject, graph, &[open("x")], &[open("y")])
}

fn scalar(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("scalar")
        .takes("x", DType::Fp64, &[])
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Fp64, &[]);
    let expected = |name| spec(name, DType::Fp64, "");
    expect_signature(subject, graph, &[expected("x")], &[expected("y")])
}

/// A constant that is listed as an input too, as old exporters do.
fn defaults(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("defaults")
        .takes("x", DType::Fp32, &dims("n"))
        .takes("weight", DType::Fp32, &dims("1"))
        .holds(tensor("weight", &[1], &[3.0_f32]))
        .with(node("Mul", &["x", "weight"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"));
    let model = subject.load(graph)?;
    let inputs = [spec("x", DType::Fp32, "n")];
    expect_equal("inputs", &model.signature().inputs, &inputs.to_vec())?;
    let outputs = infer(model.session()?.as_mut(), &[numbers(&[1], &[2.0_f32])])?;
    check_outputs(&outputs, &[numbers(&[1], &[6.0_f32])], Tolerance::Exact)
}

fn no_inputs(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("constant")
        .holds(tensor("c", &[2], &[1.0, 2.0_f32]))
        .with(node("Neg", &["c"], &["y"]))
        .gives("y", DType::Fp32, &dims("2"));
    let y = numbers(&[2], &[-1.0, -2.0_f32]);
    subject.check(graph, &[], &[y], Tolerance::Exact)
}
