//! Functions that give any number of responses to a request, one by one, as fast as they are taken.

use super::batch::{cut, stacked};
use crate::callable::{Answers, Infer, Inputs, Outputs, Request, Stream};
use crate::failure::Failure;

/// Asks this for each request by itself. The iterator is asked for the next response when the receiver has room for it,
/// and no more when nobody waits; those of several requests take turns.
pub fn decoupled<I, R>(mut answer: impl FnMut(Request) -> Result<I, Failure> + Send) -> impl Infer
where
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    Decoupled(move |requests: Vec<Request>| {
        let streams = requests.into_iter().map(|request| {
            let answers = answer(request)?.into_iter();
            let stream: Stream = Box::new(answers.map(|answer| answer.map(Into::into)));
            Ok(stream)
        });
        Ok(Answers::Streams(streams.collect()))
    })
}

/// Asks this once for all requests that came together, with their tensors stacked. Everything that the iterator gives is
/// cut between them.
pub fn batch_decoupled<I, R>(
    mut infer: impl FnMut(Inputs) -> Result<I, Failure> + Send,
) -> impl Infer
where
    I: IntoIterator<Item = Result<R, Failure>, IntoIter: 'static>,
    R: Into<Outputs>,
{
    Decoupled(move |requests: Vec<Request>| {
        let rows: Vec<usize> = requests.iter().map(|it| it.rows()).collect();
        let Some(inputs) = stacked(requests)? else {
            return Ok(Answers::Each(Vec::new()));
        };
        let answers = infer(inputs)?.into_iter();
        let rounds = answers.map(move |answer| cut(answer?.into(), &rows));
        Ok(Answers::Rounds(Box::new(rounds)))
    })
}

/// A function whose requests get any number of answers.
struct Decoupled<F>(F);

impl<F> Infer for Decoupled<F>
where
    F: FnMut(Vec<Request>) -> Result<Answers, Failure> + Send,
{
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        (self.0)(requests)
    }

    fn is_decoupled(&self) -> bool {
        true
    }
}
