//! Whether what a child says about its outputs can be true. Nothing it says is believed before this.

use nav_package_format::strings::{self, StringsError};
use nav_package_format::{DType, Signature};

use crate::tensors::Placed;

/// What is wrong with an output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the model has no output #{index}")]
    Unknown { index: usize },
    #[error("output `{name}` is out of order or given twice")]
    Order { name: String },
    #[error("output `{name}` is {found}, and the model gives {expected}")]
    DType {
        name: String,
        expected: DType,
        found: DType,
    },
    #[error("output `{name}` has {found} bytes, which its shape and element type do not take")]
    ByteSize { name: String, found: usize },
    #[error("output `{name}` takes {size} bytes from {offset} on in a slot of {slot}")]
    OutOfSlot {
        name: String,
        offset: usize,
        size: usize,
        slot: usize,
    },
    #[error("output `{name}` does not hold byte strings: {reason}")]
    Strings { name: String, reason: StringsError },
}

/// Checks the outputs of a run against the signature and the slot that holds them, and says how much of
/// the slot they take.
pub(super) fn check(
    signature: &Signature,
    outputs: &[Placed],
    slot: &[u8],
) -> Result<usize, AnswerError> {
    let mut taken = 0;
    let mut next_index = 0;
    for output in outputs {
        let index = output.desc.index;
        let Some(spec) = signature.outputs.get(index) else {
            return Err(AnswerError::Unknown { index });
        };
        let name = || spec.name.clone();
        if index < next_index {
            return Err(AnswerError::Order { name: name() });
        }
        next_index = index.saturating_add(1);
        let found = output.desc.dtype;
        if found != spec.dtype {
            return Err(AnswerError::DType {
                name: name(),
                expected: spec.dtype,
                found,
            });
        }
        let end = check_bytes(&spec.name, output, slot)?;
        taken = taken.max(end);
    }
    Ok(taken)
}

/// Checks where an output lies and what it holds, and says where it ends.
fn check_bytes(name: &str, output: &Placed, slot: &[u8]) -> Result<usize, AnswerError> {
    let (desc, offset) = (&output.desc, output.offset);
    let size = desc.byte_size;
    let bytes = offset
        .checked_add(size)
        .and_then(|end| slot.get(offset..end))
        .ok_or_else(|| AnswerError::OutOfSlot {
            name: name.to_owned(),
            offset,
            size,
            slot: slot.len(),
        })?;
    let wrong_size = || AnswerError::ByteSize {
        name: name.to_owned(),
        found: size,
    };
    match desc.shape.byte_size(desc.dtype).map_err(|_| wrong_size())? {
        Some(expected) if expected == size => {}
        Some(_) => return Err(wrong_size()),
        None => {
            let count = desc.shape.element_count().map_err(|_| wrong_size())?;
            strings::check(bytes, count).map_err(|reason| AnswerError::Strings {
                name: name.to_owned(),
                reason,
            })?;
        }
    }
    Ok(offset.saturating_add(size))
}

#[cfg(test)]
mod tests {
    use nav_package_format::{Shape, TensorSpec};
    use nav_runners::TensorDesc;

    use super::*;

    fn signature() -> Signature {
        let spec = |name: &str, dtype| TensorSpec {
            name: name.to_owned(),
            dtype,
            dims: None,
            optional: false,
        };
        Signature {
            inputs: Vec::new(),
            outputs: vec![spec("y", DType::Fp32), spec("s", DType::Bytes)],
        }
    }

    fn placed(index: usize, dtype: DType, shape: &[usize], place: (usize, usize)) -> Placed {
        let (offset, byte_size) = place;
        let shape = Shape::from(shape);
        let desc = TensorDesc {
            index,
            dtype,
            shape,
            byte_size,
        };
        Placed { desc, offset }
    }

    #[test]
    fn outputs_that_can_be_true_pass() {
        let mut slot = [0; 128];
        slot[64] = 2;
        let y = placed(0, DType::Fp32, &[2, 3], (0, 24));
        let s = placed(1, DType::Bytes, &[1], (64, 6));
        assert_eq!(check(&signature(), &[y, s.clone()], &slot), Ok(70));
        assert_eq!(check(&signature(), &[s], &slot), Ok(70));
        let empty = placed(0, DType::Fp32, &[0, usize::MAX], (128, 0));
        assert_eq!(check(&signature(), &[empty], &slot), Ok(128));
        assert_eq!(check(&signature(), &[], &[]), Ok(0));
    }

    #[test]
    fn outputs_that_cannot_be_true_are_refused() {
        let check = |outputs: &[Placed], expected: &str| {
            let error = check(&signature(), outputs, &[1; 128]).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let y = |shape: &[usize], place| placed(0, DType::Fp32, shape, place);
        check(
            &[placed(2, DType::Fp32, &[], (0, 4))],
            "the model has no output #2",
        );
        check(
            &[y(&[], (0, 4)), y(&[], (0, 4))],
            "output `y` is out of order or given twice",
        );
        check(
            &[placed(0, DType::Int32, &[], (0, 4))],
            "output `y` is INT32, and the model gives FP32",
        );
        check(
            &[y(&[2], (0, 4))],
            "output `y` has 4 bytes, which its shape and element type do not take",
        );
        check(
            &[y(&[usize::MAX, 4], (0, 4))],
            "output `y` has 4 bytes, which its shape and element type do not take",
        );
        check(
            &[y(&[2], (124, 8))],
            "output `y` takes 8 bytes from 124 on in a slot of 128",
        );
        check(
            &[y(&[2], (usize::MAX, 8))],
            "output `y` takes 8 bytes from 18446744073709551615 on in a slot of 128",
        );
        check(
            &[placed(1, DType::Bytes, &[1], (0, 8))],
            "output `s` does not hold byte strings: element 0 runs past the end of the data",
        );
    }
}
