//! `identity`: each output is the input at the same position, of which those that tell of a sequence come last and need no
//! output. The parameter `execute_delay_ms` makes a run take longer.

use std::time::Duration;

use nav_engine::{Batch, Call, Callable, InferError, Response};
use nav_engine::{Tensor, TensorDesc};

use super::pause;
use crate::repository::open::{OpenError, Opened, Wanted};

pub(super) fn open(wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
    let signature = wanted
        .signature
        .ok_or_else(|| OpenError::new("its configuration must declare inputs and outputs"))?;
    let sequences = wanted.options.sequences.as_ref();
    let controls = sequences.map_or(0, |policy| policy.controls.len());
    let inputs = signature.inputs.len();
    if !(inputs.saturating_sub(controls)..=inputs).contains(&signature.outputs.len()) {
        return Err(OpenError::new("it must have an output for each input"));
    }
    let mut pairs = signature.inputs.iter().zip(&signature.outputs);
    if let Some((input, output)) = pairs.find(|(one, other)| one.dtype != other.dtype) {
        let text = format!(
            "output `{}` must be of the type of input `{}`",
            output.name, input.name
        );
        return Err(OpenError::new(text));
    }
    if wanted.options.decoupled {
        return Err(OpenError::new("it gives one response to a request"));
    }
    let delay = match wanted.parameters.get("execute_delay_ms") {
        None => Duration::ZERO,
        Some(text) => Duration::from_millis(text.parse().map_err(|_| {
            OpenError::new(format!(
                "parameter execute_delay_ms is `{text}`, which is no number"
            ))
        })?),
    };
    let outputs = signature.outputs.len();
    let run = move |batch: &mut Batch| {
        pause(delay, || false);
        let answers = batch.calls().map(|call| same(call, outputs));
        let answers: Vec<Response> = answers.collect();
        for (index, answer) in answers.into_iter().enumerate() {
            batch.answer(index, Ok(answer));
        }
        Ok::<(), InferError>(())
    };
    Ok(Opened::new(
        Callable::shared(signature.clone(), run),
        "identity",
    ))
}

fn same(call: &Call, outputs: usize) -> Response {
    let inputs = call.inputs();
    let wanted = inputs.filter(|it| it.desc.index < outputs && call.wants(it.desc.index));
    Response::new(wanted.map(|input| Tensor {
        desc: TensorDesc::clone(input.desc),
        bytes: input.contiguous(),
    }))
}
