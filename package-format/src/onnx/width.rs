//! How many operators of a graph could run side by side.

use std::collections::HashMap;

use super::structure::Graph;

/// The most operators that wait for equally long chains of others, and so could run side by side; 1 for a chain, 0 without
/// operators. What waits for nothing but constants is done once and does not count. Of graphs within the graph nothing
/// is known.
pub(super) fn width(graph: &Graph) -> u64 {
    let inputs = graph.inputs.iter().map(|input| (input.name.as_str(), 0));
    let mut levels: HashMap<&str, usize> = inputs.collect();
    for tensor in &graph.initializers {
        levels.remove(tensor.name.as_str());
    }
    let mut counts: Vec<u64> = Vec::new();
    // A node comes after those that it waits for.
    for node in &graph.nodes {
        let waits_for = node.inputs.iter();
        let waits_for = waits_for.filter_map(|name| levels.get(name.as_str()));
        let Some(&level) = waits_for.max() else {
            continue;
        };
        if counts.len() <= level {
            counts.resize(level + 1, 0);
        }
        if let Some(count) = counts.get_mut(level) {
            *count += 1;
        }
        for output in node.outputs.iter().filter(|name| !name.is_empty()) {
            levels.insert(output, level + 1);
        }
    }
    counts.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::structure::{Node, Tensor, ValueInfo};
    use super::*;

    fn graph(nodes: &[(&[&str], &str)]) -> Graph {
        let node = |(inputs, output): &(&[&str], &str)| Node {
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            outputs: vec![(*output).to_owned()],
            ..Node::default()
        };
        let value = |name: &str| ValueInfo {
            name: name.to_owned(),
            ..ValueInfo::default()
        };
        Graph {
            nodes: nodes.iter().map(node).collect(),
            inputs: vec![value("x"), value("w")],
            initializers: vec![Tensor {
                name: "w".to_owned(),
                ..Tensor::default()
            }],
            ..Graph::default()
        }
    }

    #[test]
    fn what_waits_for_the_same_could_run_side_by_side() {
        let check = |nodes: &[(&[&str], &str)], expected: u64| {
            assert_eq!(width(&graph(nodes)), expected, "{nodes:?}");
        };
        check(&[], 0);
        check(&[(&["x", "w"], "a"), (&["a", "w"], "b")], 1);
        // Past an operator and beside it.
        check(&[(&["x"], "a"), (&["x", "a"], "b")], 1);
        check(&[(&["x"], "a"), (&["x"], "b"), (&["a", "b"], "c")], 2);
        // Done once.
        check(&[(&["w"], "c"), (&[], "d"), (&["x", "c", "d"], "a")], 1);
        // One that is left out is none.
        check(&[(&["", "x"], ""), (&["", "x"], "b")], 2);
    }
}
