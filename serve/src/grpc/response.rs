//! An answer: a response of the engine, into a message.

use std::collections::BTreeMap;

use bytes::Bytes;
use nav_engine::{Model, Parameter, Response};

use crate::facts::ModelFacts;
use crate::proto::infer_parameter::ParameterChoice;
use crate::proto::model_infer_response::InferOutputTensor;
use crate::proto::{InferParameter, ModelInferResponse};
use crate::refusal::Refusal;
use crate::wire::{Wanted, outputs};

/// The answer that this response is to whoever asked for it like this.
pub(crate) fn compose(
    model: &Model,
    id: Option<&str>,
    response: &Response,
    wanted: &Wanted,
) -> Result<ModelInferResponse, Refusal> {
    let facts = ModelFacts::of(model);
    let labels = |output: &str| facts.labels(output);
    let outputs = outputs(model, response, (wanted, &labels))
        .map_err(|fault| Refusal::invalid(fault.to_string()))?;
    let mut answer = ModelInferResponse {
        model_name: model.name().to_owned(),
        model_version: model.version().to_string(),
        id: id.unwrap_or_default().to_owned(),
        parameters: parameters(&response.parameters),
        outputs: Vec::with_capacity(outputs.len()),
        raw_output_contents: Vec::with_capacity(outputs.len()),
    };
    for output in outputs {
        let extents = output.shape.iter();
        answer.outputs.push(InferOutputTensor {
            name: output.name.to_owned(),
            datatype: output.dtype.name().to_owned(),
            shape: extents
                .map(|extent| i64::try_from(*extent).unwrap_or(i64::MAX))
                .collect(),
            ..InferOutputTensor::default()
        });
        // Clients count these together with the outputs, so that one that is elsewhere has its place here too.
        let bytes = if output.is_placed {
            Bytes::new()
        } else {
            output.bytes
        };
        answer.raw_output_contents.push(bytes);
    }
    Ok(answer)
}

fn parameters(parameters: &[(Box<str>, Parameter)]) -> BTreeMap<String, InferParameter> {
    let told = parameters.iter().map(|(name, value)| {
        let choice = match value {
            Parameter::Bool(value) => ParameterChoice::BoolParam(*value),
            Parameter::Int(number) => ParameterChoice::Int64Param(*number),
            Parameter::Uint(number) => ParameterChoice::Uint64Param(*number),
            Parameter::Double(number) => ParameterChoice::DoubleParam(*number),
            Parameter::Text(text) => ParameterChoice::StringParam(text.as_ref().to_owned()),
        };
        (name.as_ref().to_owned(), parameter(choice))
    });
    told.collect()
}

/// A parameter of this value.
pub(super) const fn parameter(choice: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(choice),
    }
}
