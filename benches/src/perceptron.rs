//! Multi-layer perceptrons, as for pictures of digits.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

use crate::weights::Weights;

/// The small one: 784-512-512-10.
pub fn perceptron() -> ModelProto {
    of(&[784, 512, 512, 10])
}

/// One with layers of these widths, from what it takes to what it gives.
pub fn of(widths: &[u16]) -> ModelProto {
    let [first, last] = [widths.first(), widths.last()].map(|it| it.copied().unwrap_or_default());
    let mut weights = Weights::new(1);
    let takes = dims(&format!("batch,{first}"));
    let mut graph = GraphProto::named("perceptron").takes("x", DType::Fp32, &takes);
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
        .gives("y", DType::Fp32, &dims(&format!("batch,{last}")))
        .into_model()
}
