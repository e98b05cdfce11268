//! One request, as a callable sees it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use nav_engine::{Call, Correlation, Parameter};

use super::context::Context;
use super::inputs::Inputs;
use crate::array::Array;

/// A request: its inputs, and what else it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    inputs: Inputs,
    id: Option<Box<str>>,
    parameters: Vec<(Box<str>, Parameter)>,
    /// The positions of the outputs that are asked for; none when all are.
    outputs: Vec<usize>,
    correlation: Option<Correlation>,
}

impl Request {
    /// A request to this model for all of its outputs, such as tests of callables make.
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            id: None,
            parameters: Vec::new(),
            outputs: Vec::new(),
            correlation: None,
        }
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Parameter) -> Self {
        self.parameters.push((name.into(), value));
        self
    }

    /// What the engine has admitted.
    pub(crate) fn of_call(call: &Call, context: &Arc<Context>) -> Self {
        let named = call.inputs().filter_map(|input| {
            let desc = input.desc;
            let name = context.inputs.get(desc.index)?.shared_name();
            let array = Array::known(desc.dtype, desc.shape.clone(), input.contiguous());
            Some((name, array))
        });
        Self {
            inputs: Inputs::new(context, call.rows(), named),
            id: call.id().map(Into::into),
            parameters: call.parameters().to_vec(),
            outputs: call.outputs().to_vec(),
            correlation: call.correlation().cloned(),
        }
    }

    /// Its inputs.
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Its inputs alone.
    pub fn into_inputs(self) -> Inputs {
        self.inputs
    }

    /// The caller's own name for it.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What else the caller says.
    pub fn parameters(&self) -> &[(Box<str>, Parameter)] {
        &self.parameters
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        let mut parameters = self.parameters.iter();
        parameters.find_map(|(known, value)| (&**known == name).then_some(value))
    }

    /// The sequence that it is a part of.
    pub const fn correlation(&self) -> Option<&Correlation> {
        self.correlation.as_ref()
    }

    /// The names of the outputs that it asks for; all of them when it names none.
    pub fn requested_outputs(&self) -> impl Iterator<Item = &str> {
        let outputs = self.context().outputs.iter().enumerate();
        let wanted = outputs.filter(|(index, _)| self.asks_for(*index));
        wanted.map(|(_, output)| output.name())
    }

    /// Whether it asks for the output of this name.
    pub fn wants(&self, output: &str) -> bool {
        self.requested_outputs().any(|name| name == output)
    }

    fn asks_for(&self, index: usize) -> bool {
        self.outputs.is_empty() || self.outputs.contains(&index)
    }
}

impl Deref for Request {
    type Target = Inputs;

    fn deref(&self) -> &Inputs {
        &self.inputs
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Inputs {
        &mut self.inputs
    }
}
