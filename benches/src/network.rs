//! A generated network while it is built: its graph, its weights, and names that are new.

use nav_package_format::onnx::build::node;
use nav_package_format::onnx::proto::{GraphProto, NodeProto, TensorProto};

use crate::weights::Weights;

pub(crate) struct Network {
    pub(crate) graph: GraphProto,
    pub(crate) weights: Weights,
    count: usize,
}

impl Network {
    pub(crate) fn new(graph: GraphProto, seed: u64) -> Self {
        Self {
            graph,
            weights: Weights::new(seed),
            count: 0,
        }
    }

    /// A name that no value has yet.
    pub(crate) fn name(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count)
    }

    pub(crate) fn add(&mut self, node: NodeProto) {
        let graph = std::mem::take(&mut self.graph);
        self.graph = graph.with(node);
    }

    pub(crate) fn holds(&mut self, tensor: TensorProto) {
        let graph = std::mem::take(&mut self.graph);
        self.graph = graph.holds(tensor);
    }

    /// Adds a node with one output, and names that output.
    pub(crate) fn apply(&mut self, operator: &str, inputs: &[&str]) -> String {
        let output = self.name();
        self.add(node(operator, inputs, &[&output]));
        output
    }
}
