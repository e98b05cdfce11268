//! Batches brought to a size that the model prefers.

use super::batch::check_batched;
use crate::array::Array;
use crate::callable::{Inputs, Outputs};
use crate::failure::Failure;

/// Repeats the last row until the batch has a preferred size, or the largest one. What is given for those rows is taken
/// away again.
pub fn pad_batch<R: Into<Outputs>>(
    mut infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Inputs) -> Result<Outputs, Failure> + Send {
    move |inputs| {
        check_batched(&inputs, "pad_batch")?;
        let rows = inputs.rows();
        let size = wanted(&inputs);
        if rows == 0 || size <= rows {
            return Ok(infer(inputs)?.into());
        }
        let padded = inputs.changed(size, |_, array| grown(array, size))?;
        let outputs: Outputs = infer(padded)?.into();
        outputs.changed(|_, array| match array.rows() {
            Some(found) if found == size => Ok(array.slice(0..rows)?),
            _ => Ok(array.clone()),
        })
    }
}

/// The least of the sizes that are wanted and hold all rows.
fn wanted(inputs: &Inputs) -> usize {
    let config = &inputs.context().config;
    let sizes = config.batcher.preferred_batch_size.iter().copied();
    let sizes = sizes.chain([config.max_batch_size]);
    let least = sizes.filter(|size| *size >= inputs.rows()).min();
    least.unwrap_or(inputs.rows())
}

fn grown(array: &Array, size: usize) -> Result<Array, Failure> {
    let rows = array.rows().unwrap_or(0);
    let Some(last) = rows.checked_sub(1) else {
        return Ok(array.clone());
    };
    let last = array.slice(last..rows)?;
    let more = std::iter::repeat_n(&last, size.saturating_sub(rows));
    Ok(Array::stacked(std::iter::once(array).chain(more))?)
}
