//! Why bytes are not an acceptable ONNX model. Plain data: what is wrong and where.

use std::io;

/// A fault of a model's bytes, or of reading them.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// Reading failed.
    #[error("cannot read at byte {offset}")]
    Io {
        /// Where.
        offset: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// There are no bytes at all.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than a protobuf message can be.
    #[error(
        "the file has {bytes} bytes, but an ONNX file ends at {limit}: larger models keep their weights in external data"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The largest size allowed.
        limit: u64,
    },
    /// The bytes are something else.
    #[error("not an ONNX model: {because}")]
    NotOnnx {
        /// What shows it.
        because: String,
    },
    /// Something ends before its announced length.
    #[error("cut short at byte {offset}")]
    Truncated {
        /// Where more bytes were announced.
        offset: u64,
    },
    /// A number of more than 64 bits.
    #[error("malformed number at byte {offset}")]
    BadVarint {
        /// Where it starts.
        offset: u64,
    },
    /// No field starts with these bytes.
    #[error("malformed field key at byte {offset}")]
    BadKey {
        /// Where it starts.
        offset: u64,
    },
    /// A field is not encoded the way its type is.
    #[error("field {field} at byte {offset} has the wrong encoding")]
    WrongType {
        /// Where the field starts.
        offset: u64,
        /// Its number.
        field: u32,
    },
    /// Messages inside messages go on for too long.
    #[error("nested deeper than {limit} messages at byte {offset}")]
    TooDeep {
        /// Where the limit was met.
        offset: u64,
        /// The limit.
        limit: u32,
    },
    /// The structure is larger than the reader may keep.
    #[error("the structure takes more than {limit} bytes of memory (reached at byte {offset})")]
    TooMany {
        /// Where the limit was met.
        offset: u64,
        /// The limit.
        limit: u64,
    },
    /// A name or text is too long.
    #[error("a text of {bytes} bytes at byte {offset} is longer than the {limit} allowed")]
    TooLong {
        /// Where it starts.
        offset: u64,
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A name is not text.
    #[error("the name at byte {offset} is not UTF-8")]
    NotUtf8 {
        /// Where it starts.
        offset: u64,
    },
    /// Two inputs, or two outputs, of the model have the same name.
    #[error("more than one {role} is named {name:?}")]
    DuplicateName {
        /// `input` or `output`.
        role: &'static str,
        /// The name.
        name: String,
    },
    /// A tensor's extents are negative, or more than can be counted.
    #[error("tensor {tensor:?} has impossible extents {dims:?}")]
    ShapeOverflow {
        /// The tensor.
        tensor: String,
        /// Its extents, the first few of them.
        dims: Vec<i64>,
    },
    /// A tensor's value has not the size that its shape and type ask for.
    #[error("the value of tensor {tensor:?} takes {expected} {unit}, but {found} are there")]
    PayloadSize {
        /// The tensor.
        tensor: String,
        /// What is counted: `bytes` or `elements`.
        unit: &'static str,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// A tensor's value is given more than once, or in the field of another type.
    #[error("the value of tensor {tensor:?} is in the wrong field, or in more than one")]
    PayloadField {
        /// The tensor.
        tensor: String,
    },
}

impl OnnxError {
    /// Whether the bytes are at fault, rather than the machine that reads them.
    pub const fn is_integrity(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }
}
