//! A request to infer: a message, into what the engine takes.
//!
//! Knows a model by its signature only; what fits it beyond names is for the engine to say.

use std::collections::BTreeMap;

use bytes::Bytes;
use nav_engine::{Frames, Input, Model, Parameter, Request, TensorKey};
use nav_package_format::Shape;

use super::contents;
use crate::proto::infer_parameter::ParameterChoice;
use crate::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::proto::{InferParameter, ModelInferRequest};
use crate::wire::{Asked, Fault, Own, Parameters, Wanted, find_input};

/// Whether a stream is told that there is nothing more.
pub(super) const EMPTY_FINAL: &str = "triton_enable_empty_final_response";

/// A request that was read.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) asked: Asked,
    /// Whether a stream is told that there is nothing more.
    pub(super) empty_final: bool,
}

/// Reads a request to this model.
pub(super) fn read(message: ModelInferRequest, model: &Model) -> Result<Received, Fault> {
    let mut asked = Asked {
        request: Request {
            id: id(&message).map(Into::into),
            ..Request::new()
        },
        wanted: Wanted {
            binary: true,
            ..Wanted::default()
        },
    };
    let mut parameters = Parameters::default();
    let mut empty_final = false;
    for (name, value) in message.parameters {
        if name == EMPTY_FINAL {
            let Some(ParameterChoice::BoolParam(wanted)) = value.parameter_choice else {
                return Err(Fault::ParameterType {
                    name: EMPTY_FINAL,
                    expected: "bool_param",
                });
            };
            empty_final = wanted;
        } else {
            heed(&mut parameters, &name, value)?;
        }
    }
    asked.heed(parameters);
    let is_raw = !message.raw_input_contents.is_empty();
    let mut raw = message.raw_input_contents.into_iter();
    for input in message.inputs {
        let elements = input_of(input, is_raw, &mut raw, model)?;
        asked.request.inputs.push(elements);
    }
    for output in message.outputs {
        let classes = classes(&output)?;
        asked.want(model, &output.name, (None, classes))?;
    }
    Ok(Received { asked, empty_final })
}

/// What the client calls the request.
pub(super) fn id(message: &ModelInferRequest) -> Option<&str> {
    Some(message.id.as_str()).filter(|id| !id.is_empty())
}

fn heed(parameters: &mut Parameters, name: &str, value: InferParameter) -> Result<(), Fault> {
    let wrong = |reason| Fault::Parameter {
        name: name.to_owned(),
        reason,
    };
    let value = match value.parameter_choice {
        Some(ParameterChoice::BoolParam(value)) => Parameter::Bool(value),
        Some(ParameterChoice::Int64Param(number)) => Parameter::Int(number),
        Some(ParameterChoice::Uint64Param(number)) => Parameter::Uint(number),
        Some(ParameterChoice::DoubleParam(number)) => Parameter::Double(number),
        Some(ParameterChoice::StringParam(text)) => Parameter::Text(text.into()),
        None => return Err(wrong("has no value")),
    };
    let Some(own) = Own::named(name) else {
        return parameters.pass(name, value);
    };
    if matches!(value, Parameter::Int(..0)) {
        return Err(wrong("must not be negative"));
    }
    let expected = match own {
        Own::SequenceId => "int64_param, uint64_param or string_param",
        Own::SequenceStart | Own::SequenceEnd => "bool_param",
        Own::Priority | Own::Timeout => "int64_param or uint64_param",
    };
    let is_taken = parameters.heed(own, value);
    is_taken.then_some(()).ok_or(Fault::ParameterType {
        name: own.name(),
        expected,
    })
}

fn input_of(
    input: InferInputTensor,
    is_raw: bool,
    raw: &mut impl Iterator<Item = Bytes>,
    model: &Model,
) -> Result<Input, Fault> {
    check_not_shared(&input.name, &input.parameters)?;
    let (index, dtype) = find_input(model, &input.name, &input.datatype)?;
    let extents = input.shape.iter().map(|extent| {
        usize::try_from(*extent).map_err(|_| Fault::Extent {
            input: input.name.clone(),
            extent: *extent,
        })
    });
    let shape: Shape = extents.collect::<Result<_, _>>()?;
    let model = || model.name().to_owned();
    let contents = input.contents.filter(contents::is_given);
    let bytes = match (contents, is_raw) {
        (Some(_), true) => {
            return Err(Fault::TwoWays {
                input: input.name,
                model: model(),
            });
        }
        (Some(given), false) => Some(contents::read(&input.name, dtype, given)?),
        // What is more than the inputs is passed over.
        (None, _) => raw.next(),
    };
    let bytes = bytes.ok_or_else(|| Fault::NoData {
        input: input.name.clone(),
        model: model(),
    })?;
    let frames: Frames = std::iter::once(bytes).collect();
    Ok(Input {
        key: TensorKey::Index(index),
        dtype,
        shape,
        frames,
    })
}

fn classes(output: &InferRequestedOutputTensor) -> Result<usize, Fault> {
    check_not_shared(&output.name, &output.parameters)?;
    let Some(value) = output.parameters.get("classification") else {
        return Ok(0);
    };
    let classes = match value.parameter_choice {
        Some(ParameterChoice::Int64Param(number)) => usize::try_from(number).ok(),
        Some(ParameterChoice::Uint64Param(number)) => usize::try_from(number).ok(),
        _ => {
            return Err(Fault::ParameterType {
                name: "classification",
                expected: "int64_param",
            });
        }
    };
    classes
        .filter(|classes| *classes > 0)
        .ok_or_else(|| Fault::Parameter {
            name: "classification".to_owned(),
            reason: "must be more than 0",
        })
}

fn check_not_shared(
    name: &str,
    parameters: &BTreeMap<String, InferParameter>,
) -> Result<(), Fault> {
    if parameters.contains_key("shared_memory_region") {
        return Err(Fault::SharedMemory {
            name: name.to_owned(),
        });
    }
    Ok(())
}
