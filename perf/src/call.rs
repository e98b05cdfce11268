//! What a model is asked, whatever the protocol.

use nav_package_format::TensorData;

/// A request to a model.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The model.
    pub model: String,
    /// Its version; the server's choice, if none is given.
    pub version: Option<String>,
    /// Its inputs.
    pub inputs: Vec<(String, TensorData)>,
    /// The outputs to ask for; all, if none is named.
    pub outputs: Vec<String>,
    /// The outputs without which an answer is none.
    pub expected: Vec<String>,
    /// What else the model is told.
    pub parameters: Vec<(String, Parameter)>,
}

/// A value that a model is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Double(f64),
    /// A text.
    Text(String),
}
