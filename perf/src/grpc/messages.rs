//! The messages of the protocol, as far as a client that measures needs them.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use crate::call::{Call, Parameter};
use crate::error::PerfError;

/// The service that all methods belong to.
pub(crate) const SERVICE: &str = "/inference.GRPCInferenceService/";
/// The bytes before a message: whether it is compressed, and how long it is.
pub(crate) const PREFIX: usize = 5;
/// Says on a stream whether a response is the last one.
const FINAL: &str = "triton_final_response";
/// Asks for a last response where a model may give any number.
const WANTS_FINAL: &str = "triton_enable_empty_final_response";

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferRequest {
    #[prost(string, tag = "1")]
    pub(crate) model_name: String,
    #[prost(string, tag = "2")]
    pub(crate) model_version: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: BTreeMap<String, InferParameter>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) inputs: Vec<InputTensor>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) outputs: Vec<WantedOutput>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub(crate) raw_input_contents: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InputTensor {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) shape: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WantedOutput {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferParameter {
    #[prost(oneof = "Choice", tags = "1, 2, 3, 4")]
    pub(crate) choice: Option<Choice>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Choice {
    #[prost(bool, tag = "1")]
    Bool(bool),
    #[prost(int64, tag = "2")]
    Int64(i64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(double, tag = "4")]
    Double(f64),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferResponse {
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: BTreeMap<String, InferParameter>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) outputs: Vec<OutputTensor>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub(crate) raw_output_contents: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OutputTensor {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) datatype: String,
    #[prost(int64, repeated, tag = "3")]
    pub(crate) shape: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamResponse {
    #[prost(string, tag = "1")]
    pub(crate) error_message: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) infer_response: Option<InferResponse>,
}

/// A question about a model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AboutModel {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Metadata {
    #[prost(message, repeated, tag = "4")]
    pub(crate) inputs: Vec<OutputTensor>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) outputs: Vec<OutputTensor>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Configuration {
    #[prost(message, optional, tag = "1")]
    pub(crate) config: Option<Config>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Config {
    #[prost(int32, tag = "4")]
    pub(crate) max_batch_size: i32,
    #[prost(message, optional, tag = "19")]
    pub(crate) model_transaction_policy: Option<TransactionPolicy>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TransactionPolicy {
    #[prost(bool, tag = "1")]
    pub(crate) decoupled: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Statistics {
    #[prost(message, repeated, tag = "1")]
    pub(crate) model_stats: Vec<ModelStatistics>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelStatistics {
    #[prost(uint64, tag = "4")]
    pub(crate) inference_count: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) execution_count: u64,
    #[prost(message, optional, tag = "6")]
    pub(crate) inference_stats: Option<InferenceStatistics>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferenceStatistics {
    #[prost(message, optional, tag = "1")]
    pub(crate) success: Option<StatisticDuration>,
    #[prost(message, optional, tag = "2")]
    pub(crate) fail: Option<StatisticDuration>,
    #[prost(message, optional, tag = "3")]
    pub(crate) queue: Option<StatisticDuration>,
    #[prost(message, optional, tag = "4")]
    pub(crate) compute_input: Option<StatisticDuration>,
    #[prost(message, optional, tag = "5")]
    pub(crate) compute_infer: Option<StatisticDuration>,
    #[prost(message, optional, tag = "6")]
    pub(crate) compute_output: Option<StatisticDuration>,
    #[prost(message, optional, tag = "7")]
    pub(crate) cache_hit: Option<StatisticDuration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct StatisticDuration {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) ns: u64,
}

impl InferResponse {
    /// Whether this is the last response on a stream to its request, if it says.
    pub(crate) fn says_last(&self) -> Option<bool> {
        match self.parameters.get(FINAL)?.choice {
            Some(Choice::Bool(is_last)) => Some(is_last),
            _ => None,
        }
    }
}

/// A request to infer, in the form in which it travels.
pub(crate) fn infer(call: &Call, on_stream: bool) -> Result<Vec<u8>, PerfError> {
    let mut parameters: BTreeMap<String, InferParameter> = call
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), parameter(value)))
        .collect();
    if on_stream {
        let choice = Some(Choice::Bool(true));
        parameters.insert(WANTS_FINAL.to_owned(), InferParameter { choice });
    }
    let shape_of = |extents: &[usize]| {
        let extents = extents.iter();
        extents
            .map(|extent| i64::try_from(*extent).unwrap_or(i64::MAX))
            .collect()
    };
    let inputs = call.inputs.iter().map(|(name, tensor)| InputTensor {
        name: name.clone(),
        datatype: tensor.dtype().name().to_owned(),
        shape: shape_of(tensor.shape()),
    });
    let outputs = call.outputs.iter();
    let contents = call.inputs.iter();
    let request = InferRequest {
        model_name: call.model.clone(),
        model_version: call.version.clone().unwrap_or_default(),
        parameters,
        inputs: inputs.collect(),
        outputs: outputs
            .map(|name| WantedOutput { name: name.clone() })
            .collect(),
        raw_input_contents: contents
            .map(|(_, tensor)| Bytes::copy_from_slice(tensor.bytes()))
            .collect(),
    };
    framed(&request)
}

fn parameter(value: &Parameter) -> InferParameter {
    let choice = match value {
        Parameter::Bool(value) => Choice::Bool(*value),
        Parameter::Int(value) => Choice::Int64(*value),
        Parameter::Double(value) => Choice::Double(*value),
        Parameter::Text(value) => Choice::Text(value.clone()),
    };
    InferParameter {
        choice: Some(choice),
    }
}

/// A message with its length before it.
pub(crate) fn framed(message: &impl Message) -> Result<Vec<u8>, PerfError> {
    let bytes = message.encoded_len();
    let length = u32::try_from(bytes).map_err(|_| PerfError::TooLarge { bytes })?;
    let mut framed = Vec::with_capacity(PREFIX + bytes);
    framed.push(0);
    framed.extend(length.to_be_bytes());
    framed.extend(message.encode_to_vec());
    Ok(framed)
}
