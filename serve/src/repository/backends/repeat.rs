//! `repeat`: gives each element of `IN` as a response of its own, `OUT`, with its position, `IDX`. `DELAY` has the
//! milliseconds before each of them, and `WAIT` those after the last; either may be left out.

use std::time::Duration;

use nav_engine::{Batch, Call, Callable, InferError, Response};
use nav_package_format::{DType, Dim, Signature};

use super::{element, must_be_decoupled, pause, tensor};
use crate::repository::open::{OpenError, Opened, Wanted};

pub(super) fn open(wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
    must_be_decoupled(wanted)?;
    let signature = Signature {
        inputs: vec![
            tensor("IN", DType::Int32, Dim::Unknown, false),
            tensor("DELAY", DType::Uint32, Dim::Unknown, true),
            tensor("WAIT", DType::Uint32, Dim::Fixed(1), true),
        ],
        outputs: vec![
            tensor("OUT", DType::Int32, Dim::Fixed(1), false),
            tensor("IDX", DType::Uint32, Dim::Fixed(1), false),
        ],
    };
    let run = |batch: &mut Batch| {
        for index in 0..batch.len() {
            repeat(batch, index)?;
        }
        Ok(())
    };
    Ok(Opened::new(Callable::shared(signature, run), "repeat"))
}

fn repeat(batch: &mut Batch, index: usize) -> Result<(), InferError> {
    let Some(call) = batch.call(index) else {
        return Ok(());
    };
    let elements = words(call, 0);
    let delays = words(call, 1);
    let wait = words(call, 2)
        .first()
        .copied()
        .map_or(0, u32::from_le_bytes);
    let (wants_out, wants_index) = (call.wants(0), call.wants(1));
    if !delays.is_empty() && delays.len() != elements.len() {
        let text = format!(
            "IN has {} elements and DELAY {}; there must be one for each",
            elements.len(),
            delays.len()
        );
        return Err(InferError::model(text.as_str()));
    }
    let Some(mut responder) = batch.responder(index) else {
        return Ok(());
    };
    for (position, element_) in (0_u32..).zip(elements) {
        let at = usize::try_from(position).unwrap_or(usize::MAX);
        let delay = delays.get(at).copied().map_or(0, u32::from_le_bytes);
        pause(Duration::from_millis(delay.into()), || {
            responder.is_cancelled()
        });
        let out = wants_out.then(|| element(0, DType::Int32, element_));
        let number = wants_index.then(|| element(1, DType::Uint32, position.to_le_bytes()));
        let response = Response::new(out.into_iter().chain(number));
        if responder.send(Ok(response)).is_err() {
            break;
        }
    }
    pause(Duration::from_millis(wait.into()), || {
        responder.is_cancelled()
    });
    responder.end();
    Ok(())
}

/// The elements of an input, of four bytes each; none where it was left out.
fn words(call: &Call, index: usize) -> Vec<[u8; 4]> {
    let Some(input) = call.input(index) else {
        return Vec::new();
    };
    let bytes = input.contiguous();
    let (words, _) = bytes.as_chunks::<4>();
    words.to_vec()
}
