//! A request to infer: a message, into what the engine takes.
//!
//! Knows a model by its signature only; what fits it beyond names is for the engine to say.

use std::collections::BTreeMap;

use bytes::Bytes;
use nav_engine::{Frames, Input, Model, Parameter, TensorKey};
use nav_package_format::Shape;

use super::contents;
use crate::proto::infer_parameter::ParameterChoice;
use crate::proto::model_infer_request::{InferInputTensor, InferRequestedOutputTensor};
use crate::proto::{InferParameter, ModelInferRequest};
use crate::shared_memory::Place;
use crate::wire::{Asked, Fault, Own, Parameters, find_input};

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
    let mut asked = Asked::of(id(&message))?;
    asked.wanted.binary = true;
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
        let place = place(&input.parameters)?;
        let source = match place {
            Some(_) => Source::SharedMemory,
            None if is_raw => Source::Raw(&mut raw),
            None => Source::Contents,
        };
        let input = input_of(input, source, model)?;
        asked.give(model, input, place)?;
    }
    for output in message.outputs {
        let classes = classes(&output)?;
        let place = place(&output.parameters)?;
        asked.want(model, &output.name, (None, classes), place)?;
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

/// Where the elements of an input are.
enum Source<'raw> {
    /// With the input.
    Contents,
    /// Next among those of all inputs.
    Raw(&'raw mut dyn Iterator<Item = Bytes>),
    /// Nowhere in the message.
    SharedMemory,
}

fn input_of(input: InferInputTensor, source: Source<'_>, model: &Model) -> Result<Input, Fault> {
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
    let bytes = match (contents, source) {
        (Some(_), Source::SharedMemory) => {
            let found = "fields set are: 'contents', 'shared_memory_region'".to_owned();
            return Err(Fault::Sources { found });
        }
        (None, Source::SharedMemory) => Some(Bytes::new()),
        (Some(_), Source::Raw(_)) => {
            return Err(Fault::TwoWays {
                input: input.name,
                model: model(),
            });
        }
        (Some(given), Source::Contents) => Some(contents::read(&input.name, dtype, given)?),
        // What is more than the inputs is passed over.
        (None, Source::Raw(raw)) => raw.next(),
        (None, Source::Contents) => None,
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

/// Where the tensor of these parameters lies, if it is in shared memory.
fn place(parameters: &BTreeMap<String, InferParameter>) -> Result<Option<Place>, Fault> {
    let choice = |name| parameters.get(name).map(|value| &value.parameter_choice);
    let region = match choice("shared_memory_region") {
        None => return Ok(None),
        Some(Some(ParameterChoice::StringParam(name))) => name.as_str().into(),
        Some(_) => {
            return Err(Fault::ParameterType {
                name: "shared_memory_region",
                expected: "string_param",
            });
        }
    };
    let number = |name| match choice(name) {
        None => Ok(None),
        Some(Some(ParameterChoice::Uint64Param(number))) => Ok(Some(*number)),
        Some(Some(ParameterChoice::Int64Param(number))) if *number >= 0 => {
            Ok(u64::try_from(*number).ok())
        }
        Some(_) => Err(Fault::ParameterType {
            name,
            expected: "int64_param",
        }),
    };
    let member = "shared_memory_byte_size";
    Ok(Some(Place {
        region,
        offset: number("shared_memory_offset")?.unwrap_or_default(),
        byte_size: number(member)?.ok_or(Fault::Absent { member })?,
    }))
}
