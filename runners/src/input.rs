//! Whether the inputs of a request fit a signature: one check for every runner.

use nav_package_format::{DType, Shape, Signature};
use serde::{Deserialize, Serialize};

use crate::tensor::TensorDesc;

/// How a request's inputs fail to fit the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InputError {
    /// One that the model needs is not there.
    #[error("input `{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// One that the model does not have.
    #[error("the model has no input `{name}`")]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// One is given twice.
    #[error("input `{name}` is given twice")]
    Duplicate {
        /// Its name.
        name: String,
    },
    /// The element type is not the declared one.
    #[error("input `{name}` is {found}, expected {expected}")]
    DType {
        /// Its name.
        name: String,
        /// What the model declares.
        expected: DType,
        /// What was given.
        found: DType,
    },
    /// The shape does not fit the declared dimensions.
    #[error("input `{name}` has shape {found}, expected {expected}")]
    Shape {
        /// Its name.
        name: String,
        /// The declared dimensions.
        expected: String,
        /// What was given.
        found: Shape,
    },
    /// The shape is too large to have a size.
    #[error("input `{name}` has shape {found}, which is too large to address")]
    TooLarge {
        /// Its name.
        name: String,
        /// What was given.
        found: Shape,
    },
    /// The number of bytes is not what shape and element type ask for.
    #[error("input `{name}` has {found} bytes, expected {expected}")]
    ByteSize {
        /// Its name.
        name: String,
        /// What shape and element type ask for.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The bytes are not byte strings, one for each element.
    #[error("input `{name}` does not hold byte strings: {reason}")]
    Strings {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// Checks descriptions against the signature: increasing positions, each needed input there, declared
/// element types, shapes that fit, sizes that agree.
pub fn check_inputs(signature: &Signature, inputs: &[TensorDesc]) -> Result<(), InputError> {
    let mut given = inputs.iter().peekable();
    for (index, spec) in signature.inputs.iter().enumerate() {
        // Positions must increase, so one that comes back was given before.
        if let Some(desc) = given.next_if(|desc| desc.index < index) {
            return Err(duplicate(signature, desc));
        }
        match given.next_if(|desc| desc.index == index) {
            Some(desc) => check_input(signature, desc)?,
            None if spec.optional => {}
            None => {
                return Err(InputError::Missing {
                    name: spec.name.clone(),
                });
            }
        }
    }
    given
        .next()
        .map_or(Ok(()), |desc| Err(duplicate(signature, desc)))
}

/// One that the signature has, and that was given before; or one that it does not have.
fn duplicate(signature: &Signature, desc: &TensorDesc) -> InputError {
    match signature.inputs.get(desc.index) {
        Some(spec) => InputError::Duplicate {
            name: spec.name.clone(),
        },
        None => InputError::Unknown {
            name: format!("#{}", desc.index),
        },
    }
}

fn check_input(signature: &Signature, desc: &TensorDesc) -> Result<(), InputError> {
    let Some(spec) = signature.inputs.get(desc.index) else {
        return Err(InputError::Unknown {
            name: format!("#{}", desc.index),
        });
    };
    let name = || spec.name.clone();
    if desc.dtype != spec.dtype {
        return Err(InputError::DType {
            name: name(),
            expected: spec.dtype,
            found: desc.dtype,
        });
    }
    if !spec.admits(&desc.shape) {
        return Err(InputError::Shape {
            name: name(),
            expected: spec.dims_text(),
            found: desc.shape.clone(),
        });
    }
    let size = desc.shape.byte_size(desc.dtype);
    match size.map_err(|_| InputError::TooLarge {
        name: name(),
        found: desc.shape.clone(),
    })? {
        Some(expected) if expected != desc.byte_size => Err(InputError::ByteSize {
            name: name(),
            expected,
            found: desc.byte_size,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::{Dim, TensorSpec};

    use super::*;

    fn signature() -> Signature {
        let spec = |name: &str, dtype, optional| TensorSpec {
            name: name.to_owned(),
            dtype,
            dims: Some(vec![Dim::Unknown, Dim::Fixed(2)]),
            optional,
        };
        Signature {
            inputs: vec![
                spec("a", DType::Fp32, false),
                spec("b", DType::Int64, true),
                spec("c", DType::Bytes, false),
            ],
            outputs: Vec::new(),
        }
    }

    fn desc(index: usize, dtype: DType, shape: [usize; 2], byte_size: usize) -> TensorDesc {
        TensorDesc {
            index,
            dtype,
            shape: Shape::from(shape),
            byte_size,
        }
    }

    #[test]
    fn inputs_that_fit_pass_with_and_without_the_optional_one() {
        let a = desc(0, DType::Fp32, [3, 2], 24);
        let b = desc(1, DType::Int64, [3, 2], 48);
        let c = desc(2, DType::Bytes, [3, 2], 77);
        assert_eq!(
            check_inputs(&signature(), &[a.clone(), b, c.clone()]),
            Ok(())
        );
        assert_eq!(check_inputs(&signature(), &[a, c]), Ok(()));
    }

    #[test]
    fn each_fault_is_named() {
        let a = desc(0, DType::Fp32, [3, 2], 24);
        let c = desc(2, DType::Bytes, [3, 2], 77);
        let check = |inputs: &[TensorDesc], expected: &str| {
            let error = check_inputs(&signature(), inputs).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(std::slice::from_ref(&a), "input `c` is missing");
        check(
            &[a.clone(), c.clone(), c.clone()],
            "input `c` is given twice",
        );
        check(
            &[a.clone(), c.clone(), desc(9, DType::Fp32, [1, 2], 8)],
            "the model has no input `#9`",
        );
        check(
            &[desc(0, DType::Fp64, [3, 2], 48)],
            "input `a` is FP64, expected FP32",
        );
        check(
            &[desc(0, DType::Fp32, [3, 3], 36)],
            "input `a` has shape [3,3], expected [?,2]",
        );
        check(
            &[desc(0, DType::Fp32, [3, 2], 25)],
            "input `a` has 25 bytes, expected 24",
        );
        check(
            &[desc(0, DType::Fp32, [usize::MAX, 2], 8)],
            "input `a` has shape [18446744073709551615,2], which is too large to address",
        );
    }
}
