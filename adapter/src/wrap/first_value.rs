//! Inputs that say the same in every row, given once.

use crate::array::Array;
use crate::callable::{Inputs, Outputs};
use crate::failure::Failure;

use super::batch::check_batched;

/// Which inputs are given once, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstValue {
    /// Their names. Those that were not given are passed over.
    pub keys: Vec<String>,
    /// Whether a value of one element becomes a scalar.
    pub squeeze_single_values: bool,
    /// Whether rows that differ are an error.
    pub strict: bool,
}

/// Gives these inputs as their first row only, without the dimension of the batch. Rows that differ are an error, and a
/// value of one element becomes a scalar.
pub fn first_value<N: Into<String>, R: Into<Outputs>>(
    keys: impl IntoIterator<Item = N>,
    infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
    FirstValue::of(keys).within(infer)
}

impl FirstValue {
    /// These inputs.
    pub fn of<N: Into<String>>(keys: impl IntoIterator<Item = N>) -> Self {
        Self {
            keys: keys.into_iter().map(Into::into).collect(),
            squeeze_single_values: true,
            strict: true,
        }
    }

    /// A function of a batch, which is given them like that.
    pub fn within<R: Into<Outputs>>(
        self,
        mut infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
    ) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
        move |inputs| Ok(infer(self.given(inputs)?)?.into())
    }

    /// These inputs, with some of them given once.
    pub fn given(&self, mut inputs: Inputs) -> Result<Inputs, Failure> {
        check_batched(&inputs, "first_value")?;
        for key in &self.keys {
            if let Some(array) = inputs.get(key) {
                let first = self.first(key, array)?;
                inputs.set(key, first);
            }
        }
        Ok(inputs)
    }

    fn first(&self, key: &str, array: &Array) -> Result<Array, Failure> {
        let rows = array.rows().unwrap_or(0);
        let first = array.slice(0..1)?;
        if self.strict {
            for row in 1..rows {
                if array.slice(row..row + 1)?.bytes() != first.bytes() {
                    let text =
                        format!("input `{key}` says one thing in row 0 and another in row {row}");
                    return Err(Failure::new(text));
                }
            }
        }
        let extents = first.shape().get(1..).unwrap_or_default();
        let is_single = extents.iter().all(|extent| *extent == 1);
        if is_single && self.squeeze_single_values {
            return Ok(first.reshaped([])?);
        }
        Ok(first.reshaped(extents)?)
    }
}
