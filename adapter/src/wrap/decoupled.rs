//! Functions that give any number of responses to a request, one by one, as fast as they are taken.

use std::fmt;

use super::batch::{cut, stacked};
use crate::callable::{Answers, Infer, Inputs, Outputs, Request, Stream};
use crate::failure::Failure;

/// What [`decoupled`] makes.
pub struct Decoupled<F>(F);

/// What [`batch_decoupled`] makes.
pub struct BatchDecoupled<F>(F);

/// Asks this for each request by itself. The iterator is asked for the next response when the receiver has room for it,
/// and no more when nobody waits; those of several requests take turns.
pub fn decoupled<F, I, R>(answer: F) -> Decoupled<F>
where
    F: FnMut(Request) -> Result<I, Failure> + Send,
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    Decoupled(answer)
}

/// Asks this once for all requests that came together, with their tensors stacked. Everything that the iterator gives is
/// cut between them.
pub fn batch_decoupled<F, I, R>(infer: F) -> BatchDecoupled<F>
where
    F: FnMut(Inputs) -> Result<I, Failure> + Send,
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    BatchDecoupled(infer)
}

impl<F, I, R> Infer for Decoupled<F>
where
    F: FnMut(Request) -> Result<I, Failure> + Send,
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        let streams = requests.into_iter().map(|request| {
            let answers = (self.0)(request)?.into_iter();
            let stream: Stream = Box::new(answers.map(|answer| answer.map(Into::into)));
            Ok(stream)
        });
        Ok(Answers::Streams(streams.collect()))
    }

    fn is_decoupled(&self) -> bool {
        true
    }
}

impl<F, I, R> Infer for BatchDecoupled<F>
where
    F: FnMut(Inputs) -> Result<I, Failure> + Send,
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        let rows: Vec<usize> = requests.iter().map(|it| it.rows()).collect();
        let Some(inputs) = stacked(requests)? else {
            return Ok(Answers::Each(Vec::new()));
        };
        let answers = (self.0)(inputs)?.into_iter();
        let rounds = answers.map(move |answer| cut(&answer?.into(), &rows));
        Ok(Answers::Rounds(Box::new(rounds)))
    }

    fn is_decoupled(&self) -> bool {
        true
    }
}

impl<F> fmt::Debug for Decoupled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoupled")
    }
}

impl<F> fmt::Debug for BatchDecoupled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchDecoupled")
    }
}
