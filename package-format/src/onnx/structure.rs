//! What an ONNX file holds, without the values of its tensors: graphs, nodes, and what each tensor is.
//!
//! Plain data, filled by [`super::read`]. Says nothing about whether the model makes sense.

use super::element::ElementType;
use crate::Dim;

/// A whole model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// Version of the file format.
    pub ir_version: Option<i64>,
    /// What made the model.
    pub producer_name: String,
    /// The version of what made the model.
    pub producer_version: String,
    /// The namespace of the model's own name.
    pub domain: String,
    /// The version of the model.
    pub model_version: i64,
    /// The operator sets whose operators are used.
    pub opset_imports: Vec<OpsetImport>,
    /// Free-form facts, in the order of the file.
    pub metadata: Vec<Entry>,
    /// What is computed.
    pub graph: Option<Graph>,
    /// Operators that the model defines itself.
    pub functions: Vec<Function>,
    /// How the model is trained.
    pub training: Vec<Training>,
}

/// An operator set and its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpsetImport {
    /// Its namespace; empty means the standard one.
    pub domain: String,
    /// Its version.
    pub version: i64,
}

/// A key and a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// A graph of nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Its nodes, in the order of the file.
    pub nodes: Vec<Node>,
    /// Tensors with a fixed value, or the default of the input of the same name.
    pub initializers: Vec<Tensor>,
    /// Initializers that are mostly zero. The name of one is that of its values.
    pub sparse_initializers: Vec<SparseTensor>,
    /// What it takes.
    pub inputs: Vec<ValueInfo>,
    /// What it gives.
    pub outputs: Vec<ValueInfo>,
}

/// One use of an operator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The operator.
    pub op_type: String,
    /// The namespace of the operator.
    pub domain: String,
    /// The values it takes; empty where an optional one is left out.
    pub inputs: Vec<String>,
    /// The values it gives; empty where one is not wanted.
    pub outputs: Vec<String>,
    /// Its parameters.
    pub attributes: Vec<Attribute>,
}

/// A parameter of a node. Of values only whole numbers, tensors and graphs are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// A whole number.
    pub integer: Option<i64>,
    /// One tensor.
    pub tensor: Option<Box<Tensor>>,
    /// One graph.
    pub graph: Option<Box<Graph>>,
    /// One sparse tensor.
    pub sparse_tensor: Option<Box<SparseTensor>>,
    /// Several tensors.
    pub tensors: Vec<Tensor>,
    /// Several graphs.
    pub graphs: Vec<Graph>,
    /// Several sparse tensors.
    pub sparse_tensors: Vec<SparseTensor>,
}

/// A tensor without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub element: ElementType,
    /// Its extents.
    pub dims: Vec<i64>,
    /// How much of its value is in the file, and in which fields.
    pub payload: Payload,
    /// Whether its value is in another file.
    pub external: bool,
    /// Where in another file its value is.
    pub external_data: Vec<Entry>,
}

/// How much of a tensor's value each field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Bytes of the value as little-endian elements.
    pub raw: Option<u64>,
    /// 32-bit floating point numbers.
    pub floats: u64,
    /// 64-bit floating point numbers.
    pub doubles: u64,
    /// 32-bit whole numbers.
    pub int32s: u64,
    /// 64-bit whole numbers.
    pub int64s: u64,
    /// 64-bit whole numbers without a sign.
    pub uint64s: u64,
    /// Byte strings.
    pub strings: u64,
    /// Bytes of all byte strings.
    pub string_bytes: u64,
}

/// A tensor that is mostly zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparseTensor {
    /// The elements that are not zero.
    pub values: Tensor,
    /// Where they stand.
    pub indices: Tensor,
    /// The extents of the whole.
    pub dims: Vec<i64>,
}

/// A named value and its type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ValueType,
}

/// The type of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ValueType {
    /// None is declared.
    #[default]
    Undeclared,
    /// A dense tensor.
    Tensor(TensorType),
    /// A tensor that is mostly zero.
    SparseTensor(TensorType),
    /// A sequence of values of one type.
    Sequence(Box<ValueType>),
    /// A map.
    Map {
        /// The type of the keys.
        key: ElementType,
        /// The type of the values.
        value: Box<ValueType>,
    },
    /// A value that may be absent.
    Optional(Box<ValueType>),
    /// A type that only a custom operator knows.
    Opaque,
}

/// Element type and shape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorType {
    /// The type of the elements.
    pub element: ElementType,
    /// The dimensions; none when not even their number is declared.
    pub dims: Option<Vec<Dim>>,
}

/// An operator that the model defines itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub domain: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Its parameters that have a default.
    pub attributes: Vec<Attribute>,
}

/// How a model is trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Training {
    /// What sets the initial state.
    pub initialization: Option<Graph>,
    /// One step of training.
    pub algorithm: Option<Graph>,
}
