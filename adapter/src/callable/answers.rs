//! What a callable is: requests in, an answer for each of them out; one, or any number.

use super::context::Context;
use super::outputs::Outputs;
use super::request::Request;
use crate::failure::Failure;

/// The answer to a request.
pub type Answer = Result<Outputs, Failure>;

/// The answers to one request, as they come.
pub type Stream = Box<dyn Iterator<Item = Answer>>;

/// One answer for each request of a batch.
pub type Round = Result<Vec<Answer>, Failure>;

/// Code that answers requests. Functions from requests to answers are such code; [`crate::batch`] and its like make it
/// of other functions.
pub trait Infer: Send {
    /// Answers requests that came together. A failure is the answer to all of them.
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure>;

    /// Whether a request may get any number of answers.
    fn is_decoupled(&self) -> bool {
        false
    }

    /// Whether it can be what this model runs; otherwise, why not. Asked once, when it is bound.
    fn check(&self, _context: &Context) -> Result<(), String> {
        Ok(())
    }
}

/// Answers to requests, in their order.
#[expect(
    missing_debug_implementations,
    reason = "streams are code, which shows nothing of itself"
)]
pub enum Answers {
    /// One for each.
    Each(Vec<Answer>),
    /// Any number for each, each at its own pace.
    Streams(Vec<Result<Stream, Failure>>),
    /// Any number of times one for each.
    Rounds(Box<dyn Iterator<Item = Round>>),
}

/// Fails unless there are as many answers as requests.
pub(crate) fn check_count(answers: usize, requests: usize) -> Result<(), Failure> {
    if answers == requests {
        return Ok(());
    }
    let text = format!("it gave {answers} answers to {requests} requests");
    Err(Failure::new(text))
}

impl<F> Infer for F
where
    F: FnMut(Vec<Request>) -> Result<Vec<Answer>, Failure> + Send,
{
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        self(requests).map(Answers::Each)
    }
}
