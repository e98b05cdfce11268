//! Walks over a model: every graph, node and tensor, however deeply nested, without recursion.

use super::structure::{Attribute, Graph, Model, Node, SparseTensor, Tensor};

/// A graph or the body of a function.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'model> {
    /// The graph; none for the body of a function.
    pub graph: Option<&'model Graph>,
    /// Its nodes.
    pub nodes: &'model [Node],
    /// Parameters of the function itself.
    pub attributes: &'model [Attribute],
    /// How many graphs are around it.
    pub depth: u32,
}

impl<'model> Scope<'model> {
    fn of_graph(graph: &'model Graph, depth: u32) -> Self {
        Self {
            graph: Some(graph),
            nodes: &graph.nodes,
            attributes: &[],
            depth,
        }
    }

    fn all_attributes(self) -> impl Iterator<Item = &'model Attribute> {
        let of_nodes = self.nodes.iter().flat_map(|node| &node.attributes);
        self.attributes.iter().chain(of_nodes)
    }

    /// Every tensor in it, those of sparse tensors and of attributes too, but not those of inner graphs.
    pub fn tensors(self) -> impl Iterator<Item = &'model Tensor> {
        let own = self.graph.into_iter().flat_map(|graph| {
            let sparse = graph.sparse_initializers.iter().flat_map(parts);
            graph.initializers.iter().chain(sparse)
        });
        own.chain(self.all_attributes().flat_map(Attribute::all_tensors))
    }

    /// Every sparse tensor in it, but not those of inner graphs.
    pub fn sparse_tensors(self) -> impl Iterator<Item = &'model SparseTensor> {
        let own = self.graph.into_iter();
        let own = own.flat_map(|graph| &graph.sparse_initializers);
        own.chain(
            self.all_attributes()
                .flat_map(Attribute::all_sparse_tensors),
        )
    }
}

fn parts(sparse: &SparseTensor) -> [&Tensor; 2] {
    [&sparse.values, &sparse.indices]
}

impl Attribute {
    /// Every tensor that it holds, those of sparse tensors too.
    pub fn all_tensors(&self) -> impl Iterator<Item = &Tensor> {
        let dense = self.tensor.as_deref().into_iter().chain(&self.tensors);
        dense.chain(self.all_sparse_tensors().flat_map(parts))
    }

    /// Every sparse tensor that it holds.
    pub fn all_sparse_tensors(&self) -> impl Iterator<Item = &SparseTensor> {
        let one = self.sparse_tensor.as_deref().into_iter();
        one.chain(&self.sparse_tensors)
    }

    /// Every graph that it holds.
    pub fn all_graphs(&self) -> impl Iterator<Item = &Graph> {
        self.graph.as_deref().into_iter().chain(&self.graphs)
    }
}

impl Model {
    /// Every graph and function body: the main graph first, inner ones after those around them.
    pub fn scopes(&self) -> Vec<Scope<'_>> {
        let training = self
            .training
            .iter()
            .flat_map(|training| [&training.initialization, &training.algorithm])
            .flatten();
        let functions = self.functions.iter().map(|function| Scope {
            graph: None,
            nodes: &function.nodes,
            attributes: &function.attributes,
            depth: 0,
        });
        let graphs = self.graph.iter().chain(training);
        let mut scopes: Vec<_> = graphs
            .map(|graph| Scope::of_graph(graph, 0))
            .chain(functions)
            .collect();
        let mut next = 0;
        while let Some(&scope) = scopes.get(next) {
            let inner = scope.all_attributes().flat_map(Attribute::all_graphs);
            scopes.extend(inner.map(|graph| Scope::of_graph(graph, scope.depth + 1)));
            next += 1;
        }
        scopes
    }

    /// Every tensor of the model, wherever it is.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.scopes().into_iter().flat_map(Scope::tensors)
    }
}
