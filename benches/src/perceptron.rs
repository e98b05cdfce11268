//! A small multi-layer perceptron: 784-512-512-10, as for pictures of digits.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

use crate::weights::Weights;

/// The model.
pub fn perceptron() -> ModelProto {
    let mut weights = Weights::new(1);
    let widths: [u16; 4] = [784, 512, 512, 10];
    let mut graph = GraphProto::named("perceptron").takes("x", DType::Fp32, &dims("batch,784"));
    let mut value = "x".to_owned();
    for (layer, pair) in widths.windows(2).enumerate() {
        let &[from, to] = pair else { continue };
        let name = |what: &str| format!("{what}{layer}");
        let is_last = layer + 2 == widths.len();
        graph = graph
            .holds(weights.tensor(&name("w"), &[from.into(), to.into()], from))
            .holds(weights.tensor(&name("b"), &[to.into()], from))
            .with(node(
                "Gemm",
                &[&value, &name("w"), &name("b")],
                &[&name("h")],
            ));
        value = name("h");
        if !is_last {
            graph = graph.with(node("Relu", &[&value], &[&name("a")]));
            value = name("a");
        }
    }
    graph
        .with(node("Softmax", &[&value], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,10"))
        .into_model()
}
