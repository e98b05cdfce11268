//! What a model answers: responses as they come, waited for by blocking or by polling.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use indexmap::IndexMap;
use nav_engine::{Answer, CancelHandle, InferError, Model, Parameter, ReplyStream, Response};

use crate::array::Array;

/// One response. Its outputs are slices of what the runner wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceResponse {
    /// The model that answered.
    pub model: String,
    /// Its version.
    pub version: u64,
    /// The name of the request.
    pub id: Option<Box<str>>,
    /// The outputs, in the order of the model.
    pub outputs: IndexMap<String, Array>,
    /// What the model says besides.
    pub parameters: Vec<(Box<str>, Parameter)>,
}

/// The responses to a request, one after the other; those of a model that is not decoupled are one. Asking for the next
/// one blocks. Dropped, it takes the request back.
#[derive(Debug)]
pub struct Responses {
    pending: Pending,
}

/// The responses to a request, one after the other, for those who poll. Dropped, it takes the request back.
#[derive(Debug)]
pub struct AsyncResponses {
    pending: Pending,
}

#[derive(Debug)]
struct Pending {
    stream: ReplyStream,
    model: Arc<Model>,
    id: Option<Box<str>>,
}

impl Responses {
    pub(super) const fn new(stream: ReplyStream, model: Arc<Model>, id: Option<Box<str>>) -> Self {
        let pending = Pending { stream, model, id };
        Self { pending }
    }

    /// Blocks for the next response, but not beyond `until`; `None` when there is none by then, or any more.
    pub fn next_until(&mut self, until: Instant) -> Option<Result<InferenceResponse, InferError>> {
        let answer = self.pending.stream.receive_until(until)?;
        Some(self.pending.told(answer))
    }

    /// Something to take the request back with, from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.pending.stream.cancel_handle()
    }

    /// The same for those who poll.
    pub fn into_async(self) -> AsyncResponses {
        let pending = self.pending;
        AsyncResponses { pending }
    }
}

impl Iterator for Responses {
    type Item = Result<InferenceResponse, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        let answer = self.pending.stream.receive()?;
        Some(self.pending.told(answer))
    }
}

impl AsyncResponses {
    /// Waits for the next response; `None` when there is none any more. Needs no particular runtime.
    pub async fn next(&mut self) -> Option<Result<InferenceResponse, InferError>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next response, or a wake-up when it is there; `None` when there is none any more.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<InferenceResponse, InferError>>> {
        let polled = self.pending.stream.poll_next(context);
        polled.map(|answer| Some(self.pending.told(answer?)))
    }

    /// Something to take the request back with, from anywhere.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.pending.stream.cancel_handle()
    }
}

impl Pending {
    fn told(&self, answer: Answer) -> Result<InferenceResponse, InferError> {
        let response = answer.result?;
        Ok(InferenceResponse::of(
            &self.model,
            self.id.clone(),
            response,
        ))
    }
}

impl InferenceResponse {
    pub(super) fn of(model: &Model, id: Option<Box<str>>, response: Response) -> Self {
        let specs = &model.signature().outputs;
        let outputs = response.outputs.into_iter().filter_map(|tensor| {
            let spec = specs.get(tensor.desc.index)?;
            let array = Array::known(tensor.desc.dtype, tensor.desc.shape, tensor.bytes);
            Some((spec.name.clone(), array))
        });
        Self {
            model: model.name().to_owned(),
            version: model.version(),
            id,
            outputs: outputs.collect(),
            parameters: response.parameters,
        }
    }
}
