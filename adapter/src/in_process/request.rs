//! What a model is asked, as programs put it together.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use nav_engine::{Correlation, Parameter, Request};

use crate::array::Array;

/// A request: inputs by name, and wishes. Inputs are not copied.
#[derive(Clone, Debug, Default)]
pub struct InferenceRequest {
    request: Request,
}

impl InferenceRequest {
    /// A request without inputs.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more input, the dimension of the batch included where the model has batches.
    #[must_use]
    pub fn input(mut self, name: &str, array: Array) -> Self {
        let (dtype, shape, bytes) = array.into_parts();
        self.request = self.request.with_input(name, dtype, shape, bytes);
        self
    }

    /// The same for this output, and others that are named, instead of all.
    #[must_use]
    pub fn output(mut self, name: &str) -> Self {
        self.request.outputs.push(name.into());
        self
    }

    /// The same with a name of its own, which its responses have too.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.request.id = Some(id.into());
        self
    }

    /// The same with something that the model is told besides.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: Parameter) -> Self {
        self.request.parameters.push((name.into(), value));
        self
    }

    /// The same on a priority level, 1 being the first to be served; 0 is the model's default.
    #[must_use]
    pub const fn priority(mut self, level: u32) -> Self {
        self.request.priority = level;
        self
    }

    /// The same, waiting for no longer than this in the queue, where the model's policy lets requests say so.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// The same, which nobody waits for beyond this moment.
    #[must_use]
    pub const fn deadline(mut self, deadline: Instant) -> Self {
        self.request.deadline = Some(deadline);
        self
    }

    /// The same as a part of a sequence.
    #[must_use]
    pub fn sequence(mut self, part: Correlation) -> Self {
        self.request.correlation = Some(part);
        self
    }

    pub(super) fn own_id(&self) -> Option<Box<str>> {
        self.request.id.clone()
    }

    pub(super) fn into_request(self) -> Request {
        self.request
    }
}

impl<N: AsRef<str>> FromIterator<(N, Array)> for InferenceRequest {
    fn from_iter<I: IntoIterator<Item = (N, Array)>>(inputs: I) -> Self {
        let add = |request: Self, (name, array): (N, Array)| request.input(name.as_ref(), array);
        inputs.into_iter().fold(Self::new(), add)
    }
}

impl<N: AsRef<str>, const COUNT: usize> From<[(N, Array); COUNT]> for InferenceRequest {
    fn from(inputs: [(N, Array); COUNT]) -> Self {
        inputs.into_iter().collect()
    }
}

impl<N: AsRef<str>> From<Vec<(N, Array)>> for InferenceRequest {
    fn from(inputs: Vec<(N, Array)>) -> Self {
        inputs.into_iter().collect()
    }
}

impl<N: AsRef<str>> From<HashMap<N, Array>> for InferenceRequest {
    fn from(inputs: HashMap<N, Array>) -> Self {
        inputs.into_iter().collect()
    }
}

impl<N: AsRef<str>> From<BTreeMap<N, Array>> for InferenceRequest {
    fn from(inputs: BTreeMap<N, Array>) -> Self {
        inputs.into_iter().collect()
    }
}
