//! A convolutional network of the size and shape of `ResNet-50`: 25 million parameters, 4 billion products.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, ints, node};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

use crate::network::Network;

/// Blocks, inner channels and stride of each stage.
const STAGES: [(usize, u16, i64); 4] = [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)];
/// How many times more channels come out of a block than are inside.
const EXPANSION: u16 = 4;
/// What tells a class.
const CLASSES: u16 = 1000;

/// A convolution: where from, channels in and out, size of the kernel, stride.
struct Convolution<'a> {
    input: &'a str,
    channels: (u16, u16),
    kernel: u16,
    stride: i64,
}

/// The model, with an open batch.
pub fn residual() -> ModelProto {
    let graph =
        GraphProto::named("residual").takes("pixels", DType::Fp32, &dims("batch,3,224,224"));
    let mut network = Network::new(graph, 2);
    let stem = network.convolution(&Convolution {
        input: "pixels",
        channels: (3, 64),
        kernel: 7,
        stride: 2,
    });
    let stem = network.apply("Relu", &[&stem]);
    let pooled = network.name();
    network.add(
        node("MaxPool", &[&stem], &[&pooled])
            .with(ints("kernel_shape", &[3, 3]))
            .with(ints("strides", &[2, 2]))
            .with(ints("pads", &[1, 1, 1, 1])),
    );
    let (mut value, mut channels) = (pooled, 64);
    for (blocks, inner, stride) in STAGES {
        for block in 0..blocks {
            let stride = if block == 0 { stride } else { 1 };
            value = network.block(&value, (channels, inner), stride);
            channels = inner * EXPANSION;
        }
    }
    let pooled = network.apply("GlobalAveragePool", &[&value]);
    let flat = network.apply("Flatten", &[&pooled]);
    let weights = network
        .weights
        .tensor("classes", &[channels.into(), CLASSES.into()], channels);
    network.holds(weights);
    network.add(node("MatMul", &[&flat, "classes"], &["scores"]));
    network
        .graph
        .gives("scores", DType::Fp32, &dims("batch,1000"))
        .into_model()
}

impl Network {
    fn convolution(&mut self, wanted: &Convolution<'_>) -> String {
        let output = self.name();
        let (from, to) = wanted.channels;
        let side = i64::from(wanted.kernel);
        let (weight, bias) = (format!("{output}_w"), format!("{output}_b"));
        let fan_in = from.saturating_mul(wanted.kernel * wanted.kernel);
        let kernel = self
            .weights
            .tensor(&weight, &[to.into(), from.into(), side, side], fan_in);
        let offsets = self.weights.tensor(&bias, &[to.into()], fan_in);
        self.holds(kernel);
        self.holds(offsets);
        self.add(
            node("Conv", &[wanted.input, &weight, &bias], &[&output])
                .with(ints("kernel_shape", &[side, side]))
                .with(ints("strides", &[wanted.stride, wanted.stride]))
                .with(ints("pads", &[side / 2; 4])),
        );
        output
    }

    /// Narrow, look around, widen, and add what came in.
    fn block(&mut self, input: &str, (from, inner): (u16, u16), stride: i64) -> String {
        let outer = inner * EXPANSION;
        let layers = [
            ((from, inner), 1, 1),
            ((inner, inner), 3, stride),
            ((inner, outer), 1, 1),
        ];
        let mut value = input.to_owned();
        for (position, (channels, kernel, stride)) in layers.into_iter().enumerate() {
            value = self.convolution(&Convolution {
                input: &value,
                channels,
                kernel,
                stride,
            });
            if position < 2 {
                value = self.apply("Relu", &[&value]);
            }
        }
        let shortcut = if from == outer && stride == 1 {
            input.to_owned()
        } else {
            self.convolution(&Convolution {
                input,
                channels: (from, outer),
                kernel: 1,
                stride,
            })
        };
        let sum = self.apply("Add", &[&value, &shortcut]);
        self.apply("Relu", &[&sum])
    }
}
