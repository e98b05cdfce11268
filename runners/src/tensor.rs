//! Tensors at the edge of a runner: a description, and bytes that may be shared.

use bytes::Bytes;
use nav_package_format::{DType, Shape};
use smallvec::SmallVec;

/// What a tensor is, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorDesc {
    /// Which input or output of the signature this is, by position.
    pub index: usize,
    /// The type of its elements.
    pub dtype: DType,
    /// Its extents.
    pub shape: Shape,
    /// How many bytes it takes. For byte strings, each element counts its length prefix too.
    pub byte_size: usize,
}

/// A tensor that a runner gives. Its bytes are little-endian, row-major and shared: a clone or a slice
/// copies nothing, and whoever owns the memory gets it back when the last one is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// What it is.
    pub desc: TensorDesc,
    /// Its elements.
    pub bytes: Bytes,
}

/// The outputs of one run, in the order of the signature. One that the model left out is not there.
pub type Outputs = SmallVec<[Tensor; 4]>;

/// The memory that a session lends for its inputs, in the order in which they were described.
pub type Staged<'session> = SmallVec<[&'session mut [u8]; 4]>;
