//! Weights that look like a trained model's: small, with a mean of zero, the same every time.

use nav_package_format::onnx::build::tensor;
use nav_package_format::onnx::proto::TensorProto;

/// Numbers without a pattern that matters.
#[derive(Debug)]
pub(crate) struct Weights(u64);

impl Weights {
    /// The same numbers for the same seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A tensor of this shape whose products keep the size of what they are multiplied with.
    pub(crate) fn tensor(&mut self, name: &str, dims: &[i64], fan_in: u16) -> TensorProto {
        let count: i64 = dims.iter().product();
        let scale = (3.0 / f32::from(fan_in)).sqrt();
        let values: Vec<f32> = (0..count).map(|_| scale * self.next()).collect();
        tensor(name, dims, &values)
    }

    /// Between -1 and 1.
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [.., a, b] = self.0.to_be_bytes();
        let [high, low, ..] = self.0.to_be_bytes();
        // Two of the better bytes; the last ones only keep the sequence long.
        let number = u16::from_be_bytes([high, low ^ (a & b)]);
        f32::from(number) / 32_767.5 - 1.0
    }
}
