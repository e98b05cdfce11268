//! What is worth knowing about an ONNX model: one plain, serialisable summary, computed from its structure.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::OnnxError;
use super::external::ExternalFile;
use super::index_bounds::index_bounds;
use super::operators::{OperatorCount, Operators, spelled_out};
use super::parameters::Parameters;
use super::structure::{Graph, Model, TensorType, ValueInfo, ValueType};
use super::width::width;
use crate::{DType, Dim, Signature, TensorSpec, TrustClass};

/// What is known about a model without running it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// The tensors that it takes and gives, in the order of its graph.
    pub signature: Signature,
    /// Inputs with a default that a caller may replace: constants that are declared as inputs too.
    pub defaults: Vec<TensorSpec>,
    /// Inputs that no tensor of ours can hold: sequences, maps, optional values, rare element types.
    pub other_inputs: Vec<OtherValue>,
    /// Outputs that no tensor of ours can hold.
    pub other_outputs: Vec<OtherValue>,
    /// Version of the file format.
    pub ir_version: i64,
    /// What made the model.
    pub producer_name: String,
    /// The version of what made the model.
    pub producer_version: String,
    /// The namespace of the model's own name.
    pub domain: String,
    /// The version of the model.
    pub model_version: i64,
    /// The name of its graph.
    pub graph_name: String,
    /// Operator set to version; the standard set is `ai.onnx`.
    pub opset_imports: BTreeMap<String, i64>,
    /// The operators in use.
    pub operators: Vec<OperatorCount>,
    /// How many operators the model defines itself.
    pub functions: u64,
    /// How deep graphs are inside graphs: 0 where there are no branches and no loops.
    pub graph_depth: u32,
    /// How many operators could run side by side: 1 where each waits for the one before.
    pub width: u64,
    /// Initializers and constants.
    pub parameters: Parameters,
    /// Files with values of tensors, sorted by path.
    pub external_files: Vec<ExternalFile>,
    /// Free-form facts.
    pub metadata: BTreeMap<String, String>,
    /// Namespaces of operators for which a custom library is needed, sorted.
    pub custom_domains: Vec<String>,
    /// Data only, unless custom operators are needed or a compiled model is inside.
    pub trust: TrustClass,
    /// Integer input to the first value that is too large, as it would be an index past the end of a table.
    pub index_bounds: BTreeMap<String, u64>,
}

/// An input or output that is not a tensor of one of our element types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherValue {
    /// Its position among all inputs, or all outputs.
    pub position: usize,
    /// Its name.
    pub name: String,
    /// Its type, as the format writes it: `seq(tensor(FLOAT)[n,4])`.
    pub kind: String,
}

impl ModelFacts {
    /// The facts of a model whose external data was checked and is in these files.
    pub fn new(model: &Model, external_files: Vec<ExternalFile>) -> Result<Self, OnnxError> {
        let no_graph = Graph::default();
        let graph = model.graph.as_ref().unwrap_or(&no_graph);
        let scopes = model.scopes();
        let ir_version = model.ir_version.unwrap_or_default();
        let (mut defaults, inputs) = split_inputs(graph);
        if ir_version < FIRST_WITH_DEFAULTS {
            defaults.clear();
        }
        check_unique("input", &inputs)?;
        let outputs: Vec<&ValueInfo> = graph.outputs.iter().collect();
        check_unique("output", &outputs)?;
        let (inputs, other_inputs) = specs(&inputs);
        let (outputs, other_outputs) = specs(&outputs);
        let integers = inputs.iter().filter(|spec| is_integer(spec.dtype));
        let index_bounds = index_bounds(graph, integers.map(|spec| spec.name.as_str()), &scopes);
        let operators = Operators::of(model, &scopes);
        let opsets = model.opset_imports.iter();
        let metadata = model.metadata.iter();
        Ok(Self {
            index_bounds,
            defaults: specs(&defaults).0,
            signature: Signature { inputs, outputs },
            other_inputs,
            other_outputs,
            ir_version,
            producer_name: model.producer_name.clone(),
            producer_version: model.producer_version.clone(),
            domain: model.domain.clone(),
            model_version: model.model_version,
            graph_name: graph.name.clone(),
            opset_imports: opsets
                .map(|import| (spelled_out(&import.domain).to_owned(), import.version))
                .collect(),
            operators: operators.counts,
            functions: model.functions.len() as u64,
            graph_depth: scopes.iter().map(|scope| scope.depth).max().unwrap_or(0),
            width: width(graph),
            parameters: Parameters::of(&scopes),
            external_files,
            metadata: metadata
                .map(|entry| (entry.key.clone(), entry.value.clone()))
                .collect(),
            custom_domains: operators.custom_domains,
            trust: operators.trust,
        })
    }
}

/// The first format version in which a declared initializer is a default that callers may replace;
/// before it, every initializer had to be declared as an input.
const FIRST_WITH_DEFAULTS: i64 = 4;

/// Inputs that have a fixed value too, and those that a caller must give.
fn split_inputs(graph: &Graph) -> (Vec<&ValueInfo>, Vec<&ValueInfo>) {
    let dense = graph.initializers.iter().map(|tensor| &tensor.name);
    let sparse = graph.sparse_initializers.iter();
    let sparse = sparse.map(|sparse| &sparse.values.name);
    let fixed: HashSet<&String> = dense.chain(sparse).collect();
    let inputs = graph.inputs.iter();
    inputs.partition(|input| fixed.contains(&input.name))
}

fn check_unique(role: &'static str, values: &[&ValueInfo]) -> Result<(), OnnxError> {
    let mut seen = BTreeSet::new();
    match values.iter().find(|value| !seen.insert(&value.name)) {
        None => Ok(()),
        Some(twice) => Err(OnnxError::DuplicateName {
            role,
            name: twice.name.clone(),
        }),
    }
}

fn specs(values: &[&ValueInfo]) -> (Vec<TensorSpec>, Vec<OtherValue>) {
    let (mut tensors, mut others) = (Vec::new(), Vec::new());
    for (position, value) in values.iter().enumerate() {
        match &value.kind {
            ValueType::Tensor(TensorType { element, dims }) if element.dtype().is_some() => {
                tensors.extend(element.dtype().map(|dtype| TensorSpec {
                    name: value.name.clone(),
                    dtype,
                    dims: dims.clone(),
                    optional: false,
                }));
            }
            kind => others.push(OtherValue {
                position,
                name: value.name.clone(),
                kind: kind.to_string(),
            }),
        }
    }
    (tensors, others)
}

const fn is_integer(dtype: DType) -> bool {
    !dtype.is_float() && !matches!(dtype, DType::Bool | DType::Bytes)
}

/// `map(INT64, tensor(FLOAT))`.
impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undeclared => f.write_str("undeclared"),
            Self::Opaque => f.write_str("opaque"),
            Self::Tensor(tensor) => {
                write!(f, "tensor({})", tensor.element)?;
                write_dims(tensor, f)
            }
            Self::SparseTensor(tensor) => {
                write!(f, "sparse_tensor({})", tensor.element)?;
                write_dims(tensor, f)
            }
            Self::Sequence(element) => write!(f, "seq({element})"),
            Self::Optional(element) => write!(f, "optional({element})"),
            Self::Map { key, value } => write!(f, "map({key}, {value})"),
        }
    }
}

fn write_dims(tensor: &TensorType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(dims) = &tensor.dims else {
        return Ok(());
    };
    let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
    write!(f, "[{}]", dims.join(","))
}

#[cfg(test)]
mod tests;
