//! How much memory a request to infer takes once its message is decoded, told from the message as it lies: an empty
//! input is two bytes there and some hundreds in memory. Allocates nothing.

use bytes::Bytes;

use crate::proto::InferParameter;
use crate::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::wire::{Fault, MOST_PARAMETERS, MOST_TENSORS};

/// A parameter in its map, which is half empty.
const PARAMETER: usize = 2 * (size_of::<String>() + size_of::<InferParameter>());

/// Which message fields are of.
#[derive(Clone, Copy)]
enum Within {
    Request,
    Input,
    Output,
    Contents,
}

/// A field: its number, and its bytes where it has a length.
type Field<'a> = (u32, Option<&'a [u8]>);

/// What there is of something, and how much there may be.
struct Count {
    what: &'static str,
    limit: usize,
    found: usize,
}

/// The bytes that its lists and maps will take, more or less. A message that is none is counted up to where it ends to
/// be one, since that much is decoded of it. Fails where it has more of something than any request may.
pub(super) fn unfolded(message: &[u8]) -> Result<usize, Fault> {
    let mut counts = [
        ("parameters", MOST_PARAMETERS),
        ("inputs", MOST_TENSORS),
        ("outputs", MOST_TENSORS),
        ("raw_input_contents", MOST_TENSORS),
    ]
    .map(|(what, limit)| Count {
        what,
        limit,
        found: 0,
    });
    let mut rest = message;
    let mut bytes = 0_usize;
    while let Some((number, inside)) = field(&mut rest) {
        let of_request = usize::try_from(number)
            .ok()
            .and_then(|it| it.checked_sub(4));
        if let Some(count) = of_request.and_then(|index| counts.get_mut(index)) {
            count.found += 1;
            if count.found > count.limit {
                let Count { what, limit, .. } = *count;
                return Err(Fault::Many { what, limit });
            }
        }
        bytes = bytes.saturating_add(cost(Within::Request, (number, inside)));
    }
    Ok(bytes)
}

/// What a field takes.
fn cost(within: Within, (number, inside): Field<'_>) -> usize {
    let length = inside.map_or(0, <[u8]>::len);
    // Numbers come one after the other in one field, or each in one of its own.
    let numbers = |size: usize| {
        if inside.is_some() {
            size * length
        } else {
            size
        }
    };
    let all = |within, message: Option<&[u8]>| {
        let mut rest = message.unwrap_or_default();
        let fields = std::iter::from_fn(|| field(&mut rest));
        fields.map(|field| cost(within, field)).sum::<usize>()
    };
    match (within, number) {
        (Within::Request | Within::Input, 4) | (Within::Output, 2) => PARAMETER + length,
        (Within::Request, 5) => size_of::<InferInputTensor>() + all(Within::Input, inside),
        (Within::Request, 6) => {
            size_of::<InferRequestedOutputTensor>() + all(Within::Output, inside)
        }
        (Within::Request, 7) | (Within::Contents, 8) => size_of::<Bytes>(),
        (Within::Input, 5) => all(Within::Contents, inside),
        (Within::Input, 3) | (Within::Contents, 3 | 5) => numbers(8),
        (Within::Contents, 2 | 4) => numbers(4),
        _ => length,
    }
}

/// The next field, which is taken off; none where there is none any more, or none that is one.
fn field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let key = varint(rest)?;
    let number = u32::try_from(key >> 3).ok()?;
    let inside = match key & 7 {
        0 => {
            varint(rest)?;
            None
        }
        1 => take(rest, 8).map(|_| None)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Some(take(rest, length)?)
        }
        5 => take(rest, 4).map(|_| None)?,
        // What is in a group is counted as if it were beside it.
        3 | 4 => None,
        _ => return None,
    };
    Some((number, inside))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::infer_parameter::ParameterChoice;
    use crate::proto::{InferTensorContents, ModelInferRequest};

    fn of(request: &ModelInferRequest) -> Result<usize, String> {
        unfolded(&request.encode_to_vec()).map_err(|fault| fault.to_string())
    }

    fn contents(contents: InferTensorContents) -> ModelInferRequest {
        let input = InferInputTensor {
            contents: Some(contents),
            ..InferInputTensor::default()
        };
        ModelInferRequest {
            inputs: vec![input],
            ..ModelInferRequest::default()
        }
    }

    #[test]
    fn what_is_small_on_the_wire_and_large_in_memory_is_counted() {
        let check = |request: ModelInferRequest, least: usize| {
            let found = of(&request).unwrap();
            assert!((least..2 * least + 1000).contains(&found), "{found}");
        };
        let default = ModelInferRequest::default;
        check(default(), 0);
        let inputs = vec![InferInputTensor::default(); 100];
        check(
            ModelInferRequest {
                inputs,
                ..default()
            },
            100 * size_of::<InferInputTensor>(),
        );
        let outputs = vec![InferRequestedOutputTensor::default(); 100];
        let of_output = size_of::<InferRequestedOutputTensor>();
        check(
            ModelInferRequest {
                outputs,
                ..default()
            },
            100 * of_output,
        );
        let raw_input_contents = vec![Bytes::from(vec![0; 1000]); 100];
        let raw = ModelInferRequest {
            raw_input_contents,
            ..default()
        };
        check(raw, 100 * size_of::<Bytes>());
        let int64_contents = vec![1; 1000];
        check(
            contents(InferTensorContents {
                int64_contents,
                ..Default::default()
            }),
            8000,
        );
        let uint_contents = vec![1; 1000];
        check(
            contents(InferTensorContents {
                uint_contents,
                ..Default::default()
            }),
            4000,
        );
        let fp32_contents = vec![1.0; 1000];
        check(
            contents(InferTensorContents {
                fp32_contents,
                ..Default::default()
            }),
            4000,
        );
        let bytes_contents = vec![Bytes::new(); 1000];
        let of_bytes = 1000 * size_of::<Bytes>();
        check(
            contents(InferTensorContents {
                bytes_contents,
                ..Default::default()
            }),
            of_bytes,
        );
        let shape = vec![1; 1000];
        let inputs = vec![InferInputTensor {
            shape,
            ..Default::default()
        }];
        check(
            ModelInferRequest {
                inputs,
                ..default()
            },
            8000,
        );
    }

    #[test]
    fn what_no_request_has_so_often_is_refused_before_it_is_decoded() {
        let check = |request: ModelInferRequest, expected: &str| {
            let expected = format!("the request has more than {expected}, which is the limit");
            assert_eq!(of(&request), Err(expected));
        };
        let default = ModelInferRequest::default;
        let inputs = vec![InferInputTensor::default(); MOST_TENSORS + 1];
        check(
            ModelInferRequest {
                inputs,
                ..default()
            },
            "16384 inputs",
        );
        let outputs = vec![InferRequestedOutputTensor::default(); MOST_TENSORS + 1];
        check(
            ModelInferRequest {
                outputs,
                ..default()
            },
            "16384 outputs",
        );
        let raw_input_contents = vec![Bytes::new(); MOST_TENSORS + 1];
        let raw = ModelInferRequest {
            raw_input_contents,
            ..default()
        };
        check(raw, "16384 raw_input_contents");
        let parameter = InferParameter {
            parameter_choice: Some(ParameterChoice::BoolParam(true)),
        };
        let parameters =
            (0..=MOST_PARAMETERS).map(|number| (number.to_string(), parameter.clone()));
        let parameters = parameters.collect();
        check(
            ModelInferRequest {
                parameters,
                ..default()
            },
            "1024 parameters",
        );
    }

    #[test]
    fn what_is_no_message_is_counted_as_far_as_it_is_one() {
        let whole = [0x2a, 0].repeat(50);
        let expected = unfolded(&whole).unwrap();
        for wrong in [&[0x2a][..], &[0x2a, 200], &[0x2f, 0], &[0xff; 20]] {
            let broken = [&whole, wrong].concat();
            assert_eq!(unfolded(&broken).unwrap(), expected, "{wrong:?}");
        }
    }
}
