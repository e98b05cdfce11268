//! `square`: gives `n` responses to `IN` of one element `n`, each with `OUT` of `n`; none for what is not above 0.

use nav_engine::{Batch, Callable, InferError, Response};
use nav_package_format::{DType, Dim, Signature};

use super::{element, must_be_decoupled, tensor};
use crate::repository::open::{OpenError, Opened, Wanted};

pub(super) fn open(wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
    must_be_decoupled(wanted)?;
    let signature = Signature {
        inputs: vec![tensor("IN", DType::Int32, Dim::Fixed(1), false)],
        outputs: vec![tensor("OUT", DType::Int32, Dim::Fixed(1), false)],
    };
    let run = |batch: &mut Batch| {
        for index in 0..batch.len() {
            square(batch, index);
        }
        Ok::<(), InferError>(())
    };
    Ok(Opened::new(Callable::shared(signature, run), "square"))
}

fn square(batch: &mut Batch, index: usize) {
    let input = batch.call(index).and_then(|call| call.input(0));
    let bytes = input.map(|input| input.contiguous());
    let number = bytes.and_then(|bytes| bytes.as_ref().try_into().ok());
    let Some(mut responder) = batch.responder(index) else {
        return;
    };
    let number: [u8; 4] = number.unwrap_or_default();
    for _ in 0..i32::from_le_bytes(number) {
        let response = Response::new([element(0, DType::Int32, number)]);
        if responder.send(Ok(response)).is_err() {
            break;
        }
    }
    responder.end();
}
