//! A function of stacked tensors, asked once for all requests that came together.

use crate::array::Array;
use crate::callable::{Answer, Inputs, Outputs, Request};
use crate::failure::Failure;

/// Asks this once for all requests that came together, with their tensors stacked along the first dimension. What it
/// gives is cut between them, and must have as many rows.
pub fn batch<R: Into<Outputs>>(
    mut infer: impl FnMut(Inputs) -> Result<R, Failure> + Send,
) -> impl FnMut(Vec<Request>) -> Result<Vec<Answer>, Failure> + Send {
    move |requests| {
        let rows: Vec<usize> = requests.iter().map(|it| it.rows()).collect();
        match stacked(requests)? {
            Some(inputs) => cut(infer(inputs)?.into(), &rows),
            None => Ok(Vec::new()),
        }
    }
}

/// The tensors of all requests, which must have the same ones; none without requests.
pub(super) fn stacked(requests: Vec<Request>) -> Result<Option<Inputs>, Failure> {
    let mut parts: Vec<Inputs> = requests.into_iter().map(Request::into_inputs).collect();
    if parts.len() < 2 {
        return Ok(parts.pop());
    }
    let Some((first, others)) = parts.split_first() else {
        return Ok(None);
    };
    for other in others {
        if other.len() != first.len() || other.names().any(|name| first.get(name).is_none()) {
            let text = "requests with different inputs cannot be stacked; see `group_by_keys`";
            return Err(Failure::new(text));
        }
    }
    let rows = parts.iter().map(Inputs::rows).sum();
    let stacked = first.changed(rows, |name, _| {
        let arrays = parts.iter().filter_map(|part| part.get(name));
        Array::stacked(arrays).map_err(|error| Failure::new(format!("input `{name}`: {error}")))
    })?;
    Ok(Some(stacked))
}

/// Each request's rows of what was given for all of them.
pub(super) fn cut(outputs: Outputs, rows: &[usize]) -> Result<Vec<Answer>, Failure> {
    if rows.len() == 1 {
        // Whether it has the right rows is looked at with everything else.
        return Ok(vec![Ok(outputs)]);
    }
    let all: usize = rows.iter().sum();
    for (position, array) in outputs.iter().enumerate() {
        if array.rows() != Some(all) {
            let (label, shape) = (outputs.label(position), array.shape());
            let text = format!("output `{label}` has shape {shape}, and the batch has {all} rows");
            return Err(Failure::new(text));
        }
    }
    let mut start = 0;
    let cut = rows.iter().map(|rows| {
        let range = start..start + rows;
        start = range.end;
        outputs.changed(|_, array| array.slice(range.clone()))
    });
    cut.map(|outputs| Ok(Ok(outputs?))).collect()
}

/// Fails for what is of a model without batches.
pub(super) fn check_batched(inputs: &Inputs, wrapper: &str) -> Result<(), Failure> {
    if inputs.context().is_batched() {
        return Ok(());
    }
    let text = format!("`{wrapper}` is for models with batches");
    Err(Failure::new(text))
}
