//! Convolutions and pooling over images.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, int, ints, node, tensor};
use nav_package_format::onnx::proto::GraphProto;

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::Subject;
use crate::values::{noise, numbers};

pub(crate) const SUITE: Suite = Suite {
    name: "conv",
    cases: &[
        case("three-by-three", |subject| {
            convolve(
                subject,
                &Layer {
                    padding: 0,
                    ..LAYER
                },
            )
        }),
        case("padded", |subject| convolve(subject, &LAYER)),
        case("strided", |subject| {
            convolve(subject, &Layer { stride: 2, ..LAYER })
        }),
        case("one-by-one", |subject| {
            let layer = Layer {
                kernel: 1,
                padding: 0,
                ..LAYER
            };
            convolve(subject, &layer)
        }),
        case("depthwise", |subject| {
            let layer = Layer {
                outputs: 4,
                groups: 4,
                ..LAYER
            };
            convolve(subject, &layer)
        }),
        case("max-pool", max_pool),
        case("global-average-pool", global_average_pool),
    ],
};

/// A convolution of 4 channels, the same in both directions.
#[derive(Clone, Copy, Debug)]
struct Layer {
    outputs: usize,
    groups: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

const CHANNELS: usize = 4;
const SIZE: usize = 7;
const LAYER: Layer = Layer {
    outputs: 6,
    groups: 1,
    kernel: 3,
    stride: 1,
    padding: 1,
};

impl Layer {
    fn output_size(&self) -> usize {
        (SIZE + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// One element, from the definition.
    fn element(&self, image: &[f32], weight: &[f32], [channel, y, x]: [usize; 3]) -> f32 {
        let per_group = CHANNELS / self.groups;
        let first = channel / (self.outputs / self.groups) * per_group;
        let mut sum = 0.0;
        for input in 0..per_group {
            for (row, column) in (0..self.kernel * self.kernel)
                .map(|place| (place / self.kernel, place % self.kernel))
            {
                let y = (y * self.stride + row).checked_sub(self.padding);
                let x = (x * self.stride + column).checked_sub(self.padding);
                if let (Some(y), Some(x)) = (y.filter(|y| *y < SIZE), x.filter(|x| *x < SIZE)) {
                    let pixel = image[((first + input) * SIZE + y) * SIZE + x];
                    let place = (channel * per_group + input) * self.kernel + row;
                    sum += pixel * weight[place * self.kernel + column];
                }
            }
        }
        sum
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn convolve(subject: &Subject, layer: &Layer) -> Result<(), Failure> {
    let (batch, size) = (2, layer.output_size());
    let weights = layer.outputs * CHANNELS / layer.groups * layer.kernel * layer.kernel;
    let pixels = CHANNELS * SIZE * SIZE;
    let all = noise(weights + batch * pixels);
    let (weight, images) = all.split_at(weights);
    let kernel = signed(layer.kernel);
    let weight_dims = [
        signed(layer.outputs),
        signed(CHANNELS / layer.groups),
        kernel,
        kernel,
    ];
    let operator = node("Conv", &["x", "weight"], &["y"])
        .with(ints("kernel_shape", &[kernel, kernel]))
        .with(ints("strides", &[signed(layer.stride); 2]))
        .with(ints("pads", &[signed(layer.padding); 4]))
        .with(int("group", signed(layer.groups)));
    let outputs = layer.outputs;
    let graph = GraphProto::named("convolution")
        .takes("x", DType::Fp32, &dims("batch,4,7,7"))
        .holds(tensor("weight", &weight_dims, weight))
        .with(operator)
        .gives(
            "y",
            DType::Fp32,
            &dims(&format!("batch,{outputs},{size},{size}")),
        );
    let mut expected = Vec::new();
    for image in images.chunks(pixels) {
        for place in 0..outputs * size * size {
            let place = [place / (size * size), place / size % size, place % size];
            expected.push(layer.element(image, weight, place));
        }
    }
    let x = numbers(&[batch, CHANNELS, SIZE, SIZE], images);
    let y = numbers(&[batch, outputs, size, size], &expected);
    subject.check(graph, &[x], &[y], Tolerance::Close)
}

fn max_pool(subject: &Subject) -> Result<(), Failure> {
    let operator = node("MaxPool", &["x"], &["y"])
        .with(ints("kernel_shape", &[2, 2]))
        .with(ints("strides", &[2, 2]));
    let graph = GraphProto::named("pool")
        .takes("x", DType::Fp32, &dims("1,1,4,4"))
        .with(operator)
        .gives("y", DType::Fp32, &dims("1,1,2,2"));
    let x = [
        -1.0, -2.0, 3.0, 4.0, -3.0, -4.0, 5.0, 6.0, 0.0, 9.0, 7.0, 7.0, 8.0, 1.0, 7.0, 7.5_f32,
    ];
    let y = numbers(&[1, 1, 2, 2], &[-1.0, 6.0, 9.0, 7.5_f32]);
    subject.check(graph, &[numbers(&[1, 1, 4, 4], &x)], &[y], Tolerance::Exact)
}

fn global_average_pool(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("average")
        .takes("x", DType::Fp32, &dims("n,2,h,w"))
        .with(node("GlobalAveragePool", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n,2,1,1"));
    let x = noise(2 * 15);
    let y: Vec<f32> = x.chunks(15).map(|x| x.iter().sum::<f32>() / 15.0).collect();
    let y = numbers(&[1, 2, 1, 1], &y);
    subject.check(graph, &[numbers(&[1, 2, 3, 5], &x)], &[y], Tolerance::Close)
}
