//! What is known of a graph without running it: which inputs are used, which of them are shapes, and whether values say shapes.

use std::collections::BTreeSet;

use nav_package_format::onnx::Model;
use nav_package_format::onnx::structure::{Graph, Node};

/// Operators whose outputs have shapes that only their inputs' values say.
const OPEN: &[&str] = &["NonZero", "NonMaxSuppression", "Unique", "Compress"];

/// Operators, and which of their inputs are shapes, positions or counts.
const SHAPES: &[(&str, &[usize])] = &[
    ("Reshape", &[1]),
    ("Expand", &[1]),
    ("ConstantOfShape", &[0]),
    ("Tile", &[1]),
    ("Range", &[0, 1, 2]),
    ("Slice", &[1, 2, 3, 4]),
    ("TopK", &[1]),
    ("Pad", &[1]),
    ("OneHot", &[1]),
    ("Resize", &[3]),
    ("Split", &[1]),
    ("Unsqueeze", &[1]),
    ("Squeeze", &[1]),
];

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Values that something takes.
    pub(crate) used: BTreeSet<String>,
    /// Values that are shapes of something.
    pub(crate) shapes: BTreeSet<String>,
    /// Whether there are operators whose outputs have shapes that only values say.
    pub(crate) is_open: bool,
}

impl Uses {
    /// Looks at all nodes.
    pub(crate) fn of(model: &Model) -> Self {
        let mut uses = Self::default();
        if let Some(graph) = &model.graph {
            uses.add(graph);
        }
        uses
    }

    fn add(&mut self, graph: &Graph) {
        for output in &graph.outputs {
            self.used.insert(output.name.clone());
        }
        for node in &graph.nodes {
            self.add_node(node);
        }
    }

    fn add_node(&mut self, node: &Node) {
        self.used.extend(node.inputs.iter().cloned());
        self.is_open |= OPEN.contains(&node.op_type.as_str());
        let shapes = SHAPES.iter().find(|(name, _)| *name == node.op_type);
        let positions = shapes.map_or(&[] as &[usize], |(_, positions)| positions);
        let shapes = positions.iter().filter_map(|&at| node.inputs.get(at));
        self.shapes.extend(shapes.cloned());
        for attribute in &node.attributes {
            let one = attribute.graph.as_deref();
            for graph in one.into_iter().chain(&attribute.graphs) {
                self.add(graph);
            }
        }
    }
}
