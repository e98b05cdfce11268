//! What a model answers: tensors as slices of what the runner wrote.

use std::time::Instant;

use nav_runners::Tensor;
use smallvec::SmallVec;

use crate::error::InferError;
use crate::request::Parameter;

/// One response to a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The outputs, each described by its position in the model's signature.
    pub outputs: SmallVec<[Tensor; 2]>,
    /// Whatever else the model says to the caller.
    pub parameters: Vec<(Box<str>, Parameter)>,
    /// When what was done for it, where an instance of the model answered the whole request at once.
    pub timeline: Option<Timeline>,
}

/// When the parts of a request were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// It came in.
    pub arrived: Instant,
    /// Its batch began to run.
    pub began: Instant,
    /// The model had its inputs.
    pub staged: Option<Instant>,
    /// The model had run.
    pub ran: Option<Instant>,
    /// Its batch had run.
    pub ended: Instant,
}

/// One of the answers to a request, of which a decoupled model gives any number.
#[derive(Clone, Debug)]
pub struct Answer {
    /// A response, or why there is none.
    pub result: Result<Response, InferError>,
    /// Whether it is known to be the last one. The end of the stream is the last word in any case.
    pub is_last: bool,
}

impl Response {
    /// A response of these outputs.
    pub fn new(outputs: impl IntoIterator<Item = Tensor>) -> Self {
        Self {
            outputs: outputs.into_iter().collect(),
            parameters: Vec::new(),
            timeline: None,
        }
    }

    /// The output at this position of the signature.
    pub fn output(&self, index: usize) -> Option<&Tensor> {
        self.outputs
            .iter()
            .find(|tensor| tensor.desc.index == index)
    }
}
