//! A text encoder of the size of half a BERT: 6 layers, 768 wide, 12 heads, a vocabulary of 30,522.

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, float, int, ints, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

use crate::network::Network;

const LAYERS: usize = 6;
const WIDTH: u16 = 768;
const HEADS: i64 = 12;
const INNER: u16 = 3072;
const VOCABULARY: i64 = 30_522;

/// The model, with an open batch and an open sequence.
pub fn encoder() -> ModelProto {
    let head = i64::from(WIDTH) / HEADS;
    let graph = GraphProto::named("encoder")
        .takes("tokens", DType::Int64, &dims("batch,sequence"))
        .holds(tensor("heads", &[4], &[0_i64, 0, HEADS, head]))
        .holds(tensor("joined", &[3], &[0_i64, 0, i64::from(WIDTH)]))
        .holds(tensor("half", &[1], &[0.5_f32]))
        .holds(tensor("one", &[1], &[1.0_f32]))
        .holds(tensor("root", &[1], &[std::f32::consts::FRAC_1_SQRT_2]))
        .holds(tensor("scale", &[1], &[0.125_f32]));
    let mut network = Network::new(graph, 3);
    let table = network
        .weights
        .tensor("table", &[VOCABULARY, WIDTH.into()], WIDTH);
    network.holds(table);
    let mut value = network.apply("Gather", &["table", "tokens"]);
    value = network.normalized(&value);
    for _ in 0..LAYERS {
        let attended = network.attention(&value);
        let sum = network.apply("Add", &[&value, &attended]);
        value = network.normalized(&sum);
        let fed = network.feed_forward(&value);
        let sum = network.apply("Add", &[&value, &fed]);
        value = network.normalized(&sum);
    }
    network.add(node("Identity", &[&value], &["states"]));
    let shape = dims(&format!("batch,sequence,{WIDTH}"));
    network
        .graph
        .gives("states", DType::Fp32, &shape)
        .into_model()
}

impl Network {
    fn dense(&mut self, input: &str, from: u16, to: u16) -> String {
        let name = self.name();
        let (weight, bias) = (format!("{name}_w"), format!("{name}_b"));
        let matrix = self
            .weights
            .tensor(&weight, &[from.into(), to.into()], from);
        let offsets = self.weights.tensor(&bias, &[to.into()], from);
        self.holds(matrix);
        self.holds(offsets);
        let product = self.apply("MatMul", &[input, &weight]);
        self.apply("Add", &[&product, &bias])
    }

    fn normalized(&mut self, input: &str) -> String {
        let output = self.name();
        let (scale, bias) = (format!("{output}_s"), format!("{output}_o"));
        let width = usize::from(WIDTH);
        self.holds(tensor(&scale, &[WIDTH.into()], &vec![1.0_f32; width]));
        self.holds(tensor(&bias, &[WIDTH.into()], &vec![0.0_f32; width]));
        self.add(
            node("LayerNormalization", &[input, &scale, &bias], &[&output])
                .with(int("axis", -1))
                .with(float("epsilon", 1e-12)),
        );
        output
    }

    fn split(&mut self, input: &str, order: &[i64]) -> String {
        let dense = self.dense(input, WIDTH, WIDTH);
        let split = self.apply("Reshape", &[&dense, "heads"]);
        let output = self.name();
        self.add(node("Transpose", &[&split], &[&output]).with(ints("perm", order)));
        output
    }

    fn attention(&mut self, input: &str) -> String {
        let query = self.split(input, &[0, 2, 1, 3]);
        let key = self.split(input, &[0, 2, 3, 1]);
        let value = self.split(input, &[0, 2, 1, 3]);
        let scores = self.apply("MatMul", &[&query, &key]);
        let scaled = self.apply("Mul", &[&scores, "scale"]);
        let shares = self.apply("Softmax", &[&scaled]);
        let mixed = self.apply("MatMul", &[&shares, &value]);
        let turned = self.name();
        self.add(node("Transpose", &[&mixed], &[&turned]).with(ints("perm", &[0, 2, 1, 3])));
        let joined = self.apply("Reshape", &[&turned, "joined"]);
        self.dense(&joined, WIDTH, WIDTH)
    }

    /// With the exact GELU between, as it is exported.
    fn feed_forward(&mut self, input: &str) -> String {
        let wide = self.dense(input, WIDTH, INNER);
        let part = self.apply("Mul", &[&wide, "root"]);
        let error = self.apply("Erf", &[&part]);
        let raised = self.apply("Add", &[&error, "one"]);
        let halved = self.apply("Mul", &[&wide, "half"]);
        let active = self.apply("Mul", &[&halved, &raised]);
        self.dense(&active, INNER, WIDTH)
    }
}
