//! A function of one request, asked for each request by itself.

use std::fmt;

use crate::callable::{Answers, Infer, Outputs, Request};
use crate::failure::Failure;

/// What [`sample`] makes.
pub struct Sample<F>(F);

/// Asks this for each request by itself, so that one that fails fails alone. Right for models without batches; with
/// batches, its tensors have their dimension.
pub fn sample<F, R>(answer: F) -> Sample<F>
where
    F: FnMut(Request) -> Result<R, Failure> + Send,
    R: Into<Outputs>,
{
    Sample(answer)
}

impl<F, R> Infer for Sample<F>
where
    F: FnMut(Request) -> Result<R, Failure> + Send,
    R: Into<Outputs>,
{
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        let answers = requests.into_iter();
        let answers = answers.map(|request| (self.0)(request).map(Into::into));
        Ok(Answers::Each(answers.collect()))
    }
}

impl<F> fmt::Debug for Sample<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sample")
    }
}
