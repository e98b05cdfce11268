//! What is asked of a model, as an edge hands it over: tensors as slices of what came in, and wishes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use nav_package_format::{DType, Shape};
use smallvec::SmallVec;

use crate::owner::Owner;

/// The bytes of one tensor, in the pieces in which they arrived.
pub type Frames = SmallVec<[Bytes; 1]>;

/// A request. The model and its version are named beside it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The caller's own name for it.
    pub id: Option<Box<str>>,
    /// The tensors, in any order.
    pub inputs: SmallVec<[Input; 2]>,
    /// Which outputs are wanted; all of them when none is named.
    pub outputs: SmallVec<[TensorKey; 2]>,
    /// Whatever else the caller says to the model.
    pub parameters: Vec<(Box<str>, Parameter)>,
    /// The priority level, 1 being the first to be served; 0, or one that there is not, is the model's
    /// default.
    pub priority: u32,
    /// How long it may wait in the queue, where the model's policy lets requests say so.
    pub timeout: Option<Duration>,
    /// When nobody waits for the answer any more.
    pub deadline: Option<Instant>,
    /// Which sequence it is a part of.
    pub correlation: Option<Correlation>,
}

/// One tensor of a request.
#[derive(Clone, Debug)]
pub struct Input {
    /// Which input it is.
    pub key: TensorKey,
    /// The type of its elements.
    pub dtype: DType,
    /// Its extents, the batch's among them.
    pub shape: Shape,
    /// Its elements, little-endian and row-major.
    pub frames: Frames,
}

/// An input or output of a signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TensorKey {
    /// By position.
    Index(usize),
    /// By name.
    Name(Box<str>),
}

/// A value that a caller passes on to a model, or a model to its caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that may be larger.
    Uint(u64),
    /// Any number.
    Double(f64),
    /// A text.
    Text(Box<str>),
}

/// The part that a request has in a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correlation {
    /// The name of the sequence.
    pub id: CorrelationId,
    /// Whether it begins here.
    pub start: bool,
    /// Whether it ends here.
    pub end: bool,
    /// Whose it is, if not everybody may go on with it.
    pub owner: Option<Owner>,
}

/// What a sequence is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CorrelationId {
    /// A number other than 0.
    Number(u64),
    /// A text.
    Text(Box<str>),
}

/// What a request asks for and cannot have, beyond what one input alone can have wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// The model has no such output.
    #[error("the model has no output `{name}`")]
    UnknownOutput {
        /// The name, or the position after a `#`.
        name: Box<str>,
    },
    /// An output is asked for twice.
    #[error("output `{name}` is asked for twice")]
    DuplicateOutput {
        /// Its name.
        name: Box<str>,
    },
    /// An input has no dimension for the batch.
    #[error("input `{input}` is a scalar, and its first dimension should be that of the batch")]
    NoBatchDimension {
        /// Its name.
        input: Box<str>,
    },
    /// Two inputs disagree about how many rows there are.
    #[error("input `{input}` has {rows} rows, and others of the same request have {expected}")]
    RowsDiffer {
        /// Its name.
        input: Box<str>,
        /// Its rows.
        rows: usize,
        /// Those of the first input.
        expected: usize,
    },
    /// There are more rows than a batch takes.
    #[error("the request has {rows} rows, and a batch of this model takes {limit}")]
    TooManyRows {
        /// How many there are.
        rows: usize,
        /// How many a batch takes.
        limit: usize,
    },
    /// A sequence of this name does not run, and the request does not begin one.
    #[error("sequence {id} does not run, and the request does not begin it")]
    NoSuchSequence {
        /// Its name.
        id: CorrelationId,
    },
    /// A sequence of this name runs, and is somebody else's.
    #[error("sequence {id} belongs to another connection")]
    ForeignSequence {
        /// Its name.
        id: CorrelationId,
    },
    /// Something is kept of the sequence, for as many rows as it began with.
    #[error("sequence {id} began with {expected} rows, and the request has {rows}")]
    SequenceRows {
        /// Its name.
        id: CorrelationId,
        /// How many rows there are.
        rows: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The model is told what sequences are called, in numbers.
    #[error("sequence {id} has no number for a name, and the model takes no others")]
    SequenceNotNumbered {
        /// Its name.
        id: CorrelationId,
    },
    /// The model only takes requests of sequences.
    #[error("the request belongs to no sequence, and the model takes no others")]
    NoSequence,
}

impl Request {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more input, whose bytes are in one piece.
    #[must_use]
    pub fn with_input(
        mut self,
        key: impl Into<TensorKey>,
        dtype: DType,
        shape: impl Into<Shape>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        self.inputs.push(Input {
            key: key.into(),
            dtype,
            shape: shape.into(),
            frames: std::iter::once(bytes.into()).collect(),
        });
        self
    }
}

impl From<usize> for TensorKey {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<&str> for TensorKey {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl std::fmt::Display for TensorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index(index) => write!(f, "#{index}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl std::fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "`{text}`"),
        }
    }
}
