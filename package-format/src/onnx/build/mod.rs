//! Builds models: nodes, attributes, tensors and graphs, with defaults that every runtime accepts.
//!
//! Checks nothing beyond what the types enforce; tests build faulty models with it on purpose.

mod model;
mod node;
mod tensor;
mod value;

pub use model::{IR_VERSION, OPSET};
pub use node::{float, floats, graph_value, int, ints, node, tensor_value, text};
pub use tensor::{Element, external_tensor, raw_tensor, string_tensor, tensor};
pub use value::{dims, entry, tensor_type, value};
