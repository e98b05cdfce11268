//! Which inputs are indices into a table of known length, so that sample data can keep to it.
//!
//! Follows values through operators that keep them; says nothing where it is not sure.

use std::collections::{BTreeMap, HashMap};

use super::operators::{STANDARD_DOMAIN, spelled_out};
use super::scope::Scope;
use super::structure::{Attribute, Graph, Node};

/// Operators whose first output has the elements of their first input, perhaps in another shape.
const KEEPS_ELEMENTS: &[&str] = &[
    "Cast",
    "Flatten",
    "Identity",
    "Reshape",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];
/// Operators whose first output has the shape of their first input.
const KEEPS_SHAPE: &[&str] = &["Cast", "DequantizeLinear", "Identity", "QuantizeLinear"];

/// Input name to the first index that is too large for some table that it is used on.
pub(super) fn index_bounds<'model>(
    main: &'model Graph,
    inputs: impl Iterator<Item = &'model str>,
    scopes: &[Scope<'model>],
) -> BTreeMap<String, u64> {
    let mut known = Known {
        origins: inputs.map(|name| (name, name)).collect(),
        ..Known::default()
    };
    known.take_initializers(main);
    // Inner graphs come after those around them, and names are unique among both.
    for scope in scopes {
        if let Some(graph) = scope.graph {
            known.take_initializers(graph);
            for node in scope.nodes {
                known.follow(node);
            }
        }
    }
    let bounds = known.bounds.into_iter();
    bounds
        .map(|(name, bound)| (name.to_owned(), bound))
        .collect()
}

#[derive(Default)]
struct Known<'model> {
    /// Value to the input that it has its elements from.
    origins: HashMap<&'model str, &'model str>,
    /// Fixed value to its extents.
    tables: HashMap<&'model str, &'model [i64]>,
    bounds: BTreeMap<&'model str, u64>,
}

impl<'model> Known<'model> {
    fn take_initializers(&mut self, graph: &'model Graph) {
        let tables = graph.initializers.iter();
        let tables = tables.map(|tensor| (tensor.name.as_str(), tensor.dims.as_slice()));
        self.tables.extend(tables);
    }

    fn follow(&mut self, node: &'model Node) {
        for (table, indices, axis) in lookups(node) {
            let table = input(node, table).and_then(|name| self.tables.get(name));
            let origin = input(node, indices).and_then(|name| self.origins.get(name));
            let (Some(table), Some(&origin)) = (table, origin) else {
                continue;
            };
            if let Some(bound) = extent(table, axis) {
                let known = self.bounds.entry(origin).or_insert(bound);
                *known = bound.min(*known);
            }
        }
        let (Some(output), STANDARD_DOMAIN) = (node.outputs.first(), spelled_out(&node.domain))
        else {
            return;
        };
        let op_type = node.op_type.as_str();
        let first = input(node, 0).unwrap_or_default();
        if KEEPS_ELEMENTS.contains(&op_type)
            && let Some(&origin) = self.origins.get(first)
        {
            self.origins.insert(output, origin);
        }
        if op_type == "Constant" {
            let tensors = node.attributes.iter().flat_map(|value| &value.tensor);
            self.tables
                .extend(tensors.map(|table| (output.as_str(), table.dims.as_slice())));
        } else if KEEPS_SHAPE.contains(&op_type)
            && let Some(&table) = self.tables.get(first)
        {
            self.tables.insert(output, table);
        }
    }
}

/// Which inputs of a node are a table and indices into it, and the axis of the table that they count.
fn lookups(node: &Node) -> Vec<(usize, usize, i64)> {
    match (spelled_out(&node.domain), node.op_type.as_str()) {
        (STANDARD_DOMAIN, "Gather") => vec![(0, 1, integer(node, "axis"))],
        ("com.microsoft", "GatherBlockQuantized") => vec![(0, 1, integer(node, "gather_axis"))],
        // Words, and the segments that they are in.
        ("com.microsoft", "EmbedLayerNormalization") => vec![(2, 0, 0), (4, 1, 0)],
        _ => Vec::new(),
    }
}

fn input(node: &Node, position: usize) -> Option<&str> {
    let name = node.inputs.get(position)?;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

fn integer(node: &Node, name: &str) -> i64 {
    let named = |attribute: &&Attribute| attribute.name == name;
    let attribute = node.attributes.iter().find(named);
    attribute
        .and_then(|attribute| attribute.integer)
        .unwrap_or_default()
}

/// The extent of an axis, which counts from the end when it is negative.
fn extent(dims: &[i64], axis: i64) -> Option<u64> {
    let rank = i64::try_from(dims.len()).ok()?;
    let axis = if axis < 0 {
        axis.checked_add(rank)?
    } else {
        axis
    };
    let extent = dims.get(usize::try_from(axis).ok()?)?;
    u64::try_from(*extent).ok()
}
