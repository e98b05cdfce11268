//! Inputs that were left out, filled in.

use std::sync::Arc;

use crate::array::Array;
use crate::callable::{Answers, Context, Infer, Request};
use crate::failure::Failure;

/// A callable, and what stands for inputs that it was not given.
struct FillOptionals<I> {
    defaults: Vec<(Arc<str>, Array)>,
    inner: I,
}

/// Fills in what a request leaves out: a value for each input, without the dimension of the batch. Whether the values fit
/// what is declared is checked when it is bound.
pub fn fill_optionals<N: Into<Arc<str>>, I: Infer>(
    defaults: impl IntoIterator<Item = (N, Array)>,
    callable: I,
) -> impl Infer {
    let defaults = defaults.into_iter();
    FillOptionals {
        defaults: defaults.map(|(name, array)| (name.into(), array)).collect(),
        inner: callable,
    }
}

impl<I: Infer> Infer for FillOptionals<I> {
    fn infer(&mut self, mut requests: Vec<Request>) -> Result<Answers, Failure> {
        for request in &mut requests {
            let rows = request.context().is_batched().then(|| request.rows());
            for (name, value) in &self.defaults {
                if request.get(name).is_none() {
                    let value = rows.map_or_else(|| value.clone(), |rows| value.repeated(rows));
                    request.set(name, value);
                }
            }
        }
        self.inner.infer(requests)
    }

    fn is_decoupled(&self) -> bool {
        self.inner.is_decoupled()
    }

    fn check(&self, context: &Context) -> Result<(), String> {
        for (name, value) in &self.defaults {
            let Some(input) = context.input(name) else {
                return Err(format!(
                    "`fill_optionals` has a value for `{name}`, which is no input"
                ));
            };
            let (found, declared) = (value.dtype(), input.dtype);
            if found != declared {
                return Err(format!(
                    "`fill_optionals` has a value of {found} for `{name}`, which is {declared}"
                ));
            }
            if !input.admits(value.shape()) {
                let (found, declared) = (value.shape(), &input.shape);
                return Err(format!(
                    "`fill_optionals` has a value of shape {found} for `{name}`, whose shape is {declared:?}"
                ));
            }
        }
        self.inner.check(context)
    }
}
