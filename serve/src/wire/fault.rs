//! What can be wrong with what a client sent.

use nav_package_format::DType;

/// Why a request cannot be read. Always the client's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It is not JSON.
    #[error("failed to parse the request JSON buffer: {what} at {at}")]
    Json {
        /// What is wrong.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// A member is not there.
    #[error("Unable to parse '{member}': attempt to access non-existing object member '{member}'")]
    Absent {
        /// Its name.
        member: &'static str,
    },
    /// A member is of the wrong kind.
    #[error("Unable to parse '{member}': attempt to access JSON non-{expected} as {expected}")]
    Kind {
        /// Its name.
        member: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `parameters` is no object.
    #[error("failed to get request params.: attempt to get members for non-object")]
    ParametersKind,
    /// A parameter that cannot be passed on.
    #[error("parameter '{name}' {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A parameter of another kind than it must be, where kinds have names.
    #[error("invalid value type for '{name}' parameter, expected {expected}.")]
    ParameterType {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The version is no number.
    #[error(
        "failed to get model version from specified version string '{given}' (details: stol), version should be an integral value > 0"
    )]
    Version {
        /// What was said.
        given: String,
    },
    /// An input without its elements.
    #[error("unable to find data for input tensor '{input}' for model '{model}' in request.")]
    NoData {
        /// The input.
        input: String,
        /// The model.
        model: String,
    },
    /// An input with its elements in two ways.
    #[error(
        "contents field must not be specified when using raw_input_contents for '{input}' for model '{model}'"
    )]
    TwoWays {
        /// The input.
        input: String,
        /// The model.
        model: String,
    },
    /// Elements in a member that is for other types.
    #[error(
        "unexpected explicit tensor data for input tensor '{input}' of type '{dtype}' in {member}"
    )]
    Contents {
        /// The input.
        input: String,
        /// The type.
        dtype: DType,
        /// Where the elements are.
        member: &'static str,
    },
    /// An extent below zero.
    #[error("invalid shape for input '{input}': it has an extent of {extent}")]
    Extent {
        /// The input.
        input: String,
        /// The extent.
        extent: i64,
    },
    /// The number of elements is not what the shape asks for.
    #[error("Unable to parse 'data': Shape does not match true shape of 'data' field")]
    Count,
    /// A number that the type of the elements does not hold.
    #[error("Unable to parse '{member}': {number} is out of range for {dtype}")]
    Range {
        /// Where it is.
        member: &'static str,
        /// The number as it was written.
        number: String,
        /// The type.
        dtype: DType,
    },
    /// No such type of elements.
    #[error("invalid datatype '{name}' for input '{input}'")]
    DType {
        /// The input.
        input: String,
        /// The type as given.
        name: String,
    },
    /// The elements cannot be written in JSON.
    #[error(
        "receiving {dtype} data via JSON is not supported. Please use the binary data format for input {input}"
    )]
    BinaryOnly {
        /// The type.
        dtype: DType,
        /// The input.
        input: String,
    },
    /// The shape is too large to have a size.
    #[error("invalid shape for input '{input}': it is too large to address")]
    Shape {
        /// The input.
        input: String,
    },
    /// It has more of something than it may.
    #[error("the request has more than {limit} {what}, which is the limit")]
    Many {
        /// What.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// An input is given twice.
    #[error("input '{input}' is given twice")]
    InputTwice {
        /// The input.
        input: String,
    },
    /// What should be elements is something else.
    #[error("input '{input}' must be one element or a flat array of them")]
    NotFlat {
        /// The input.
        input: String,
    },
    /// The shape of an input does not come out even.
    #[error("The schema can not convert input '{input}' to tensor with proper shape")]
    Spread {
        /// The input.
        input: String,
    },
    /// Not exactly one source of data.
    #[error(
        "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But {found}"
    )]
    Sources {
        /// What was set.
        found: String,
    },
    /// What is said to be in shared memory is not as large as its shape.
    #[error(
        "[request id: {id}] input byte size mismatch for input '{input}' for model '{model}'. Expected {expected}, got {given}"
    )]
    SharedSize {
        /// The request.
        id: String,
        /// The input.
        input: String,
        /// The model.
        model: String,
        /// What the shape asks for.
        expected: usize,
        /// What was said.
        given: u64,
    },
    /// An output cannot have this form where it is to lie.
    #[error("shared memory can't be set on output '{output}' together with '{form}'")]
    SharedForm {
        /// The output.
        output: String,
        /// The form.
        form: &'static str,
    },
    /// A member is missing from what a region is to be.
    #[error("Shared memory register request has no '{member}' field")]
    Register {
        /// Its name.
        member: &'static str,
    },
    /// The binary block of an input is cut short.
    #[error(
        "unexpected size for input '{input}', expecting {missing} additional bytes for model '{model}'"
    )]
    Short {
        /// The input.
        input: String,
        /// How much is missing.
        missing: usize,
        /// The model.
        model: String,
    },
    /// There is more than the inputs take.
    #[error("unexpected additional input data for model '{model}'")]
    Excess {
        /// The model.
        model: String,
    },
    /// The length of the header is not in the body.
    #[error("inference header size should be in range (0, {body}), got: {given}")]
    HeaderLength {
        /// How long the body is.
        body: usize,
        /// What was said.
        given: String,
    },
    /// A raw request to a model that does not take one.
    #[error(
        "Raw request must only have 1 input (found 1) to be deduced but got {inputs} inputs in '{model}' model configuration"
    )]
    RawInputs {
        /// How many it takes.
        inputs: usize,
        /// The model.
        model: String,
    },
    /// A raw request whose shape cannot be told from its size.
    #[error("the shape of input '{input}' of model '{model}' cannot be deduced from {bytes} bytes")]
    RawShape {
        /// The input.
        input: String,
        /// The model.
        model: String,
        /// How many bytes there are.
        bytes: usize,
    },
    /// The body is empty.
    #[error("the request has no body")]
    Empty,
    /// An output that the model does not have.
    #[error("unexpected inference output '{name}' for model '{model}'")]
    Output {
        /// Its name.
        name: String,
        /// The model.
        model: String,
    },
    /// An input that the model does not have.
    #[error("unexpected inference input '{name}' for model '{model}'")]
    Input {
        /// Its name.
        name: String,
        /// The model.
        model: String,
    },
}
