//! The models that the examples and the tour use, made here so that nothing has to be downloaded.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto, NodeProto};

/// A classifier of 8 by 8 pictures of digits: 64 pixels, 32 hidden units, 10 classes, any batch.
///
/// Its weights are fixed and untrained: it shows shapes and speed, not accuracy.
pub fn digits() -> ModelProto {
    let (pixels, hidden, classes) = (64, 32, 10);
    GraphProto::named("digits")
        .takes("pixels", DType::Fp32, &dims("batch,64"))
        .holds(tensor(
            "hidden_weight",
            &[pixels, hidden],
            &weights(pixels * hidden, 1),
        ))
        .holds(tensor("hidden_bias", &[hidden], &weights(hidden, 2)))
        .holds(tensor(
            "class_weight",
            &[hidden, classes],
            &weights(hidden * classes, 3),
        ))
        .holds(tensor("class_bias", &[classes], &weights(classes, 4)))
        .with(gemm("pixels", "hidden", "sum"))
        .with(node("Relu", &["sum"], &["active"]))
        .with(gemm("active", "class", "scores"))
        .with(node("Softmax", &["scores"], &["probabilities"]))
        .with(
            node("ArgMax", &["probabilities"], &["digit"])
                .with(int("axis", 1))
                .with(int("keepdims", 0)),
        )
        .gives("probabilities", DType::Fp32, &dims("batch,10"))
        .gives("digit", DType::Int64, &dims("batch"))
        .into_model()
}

fn gemm(input: &str, layer: &str, output: &str) -> NodeProto {
    let (weight, bias) = (format!("{layer}_weight"), format!("{layer}_bias"));
    node("Gemm", &[input, &weight, &bias], &[output])
}

/// Numbers in -0.5..0.5 that look random and are the same on every machine.
#[expect(clippy::cast_precision_loss, reason = "the numbers have 16 bits")]
fn weights(count: i64, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 65_536.0 - 0.5
        })
        .collect()
}
