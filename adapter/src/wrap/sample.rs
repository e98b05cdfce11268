//! A function of one request, asked for each request by itself.

use crate::callable::{Answer, Outputs, Request};
use crate::failure::Failure;

/// Asks this for each request by itself, so that one that fails fails alone. Right for models without batches; with
/// batches, its tensors have their dimension.
pub fn sample<R: Into<Outputs>>(
    mut answer: impl FnMut(Request) -> Result<R, Failure> + Send,
) -> impl FnMut(Vec<Request>) -> Result<Vec<Answer>, Failure> + Send {
    move |requests| {
        let requests = requests.into_iter();
        Ok(requests
            .map(|request| answer(request).map(Into::into))
            .collect())
    }
}
