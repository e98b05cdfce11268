//! A request that was checked against its model: what the code of the model sees.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use nav_runners::TensorDesc;
use smallvec::SmallVec;

use crate::request::{Correlation, Frames, Parameter};

/// A checked request. Its inputs are in the order of the signature.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) id: Option<Box<str>>,
    pub(crate) descs: SmallVec<[TensorDesc; 2]>,
    pub(crate) frames: SmallVec<[Frames; 2]>,
    pub(crate) outputs: SmallVec<[usize; 4]>,
    pub(crate) parameters: Vec<(Box<str>, Parameter)>,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) priority: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) rows: usize,
}

/// One input of a call.
#[derive(Clone, Copy, Debug)]
pub struct CallInput<'call> {
    /// What it is.
    pub desc: &'call TensorDesc,
    /// Its elements, in the pieces in which they arrived.
    pub frames: &'call Frames,
}

impl Call {
    /// The caller's own name for the request.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The inputs that were given, in the order of the signature.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = CallInput<'_>> {
        let inputs = self.descs.iter().zip(&self.frames);
        inputs.map(|(desc, frames)| CallInput { desc, frames })
    }

    /// The input at this position of the signature, if it was given.
    pub fn input(&self, index: usize) -> Option<CallInput<'_>> {
        self.inputs().find(|input| input.desc.index == index)
    }

    /// Whether the output at this position of the signature is asked for.
    pub fn wants(&self, index: usize) -> bool {
        self.outputs.is_empty() || self.outputs.contains(&index)
    }

    /// The positions of the outputs that are asked for; empty when all are.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// What else the caller says.
    pub fn parameters(&self) -> &[(Box<str>, Parameter)] {
        &self.parameters
    }

    /// The sequence that the request is a part of.
    pub const fn correlation(&self) -> Option<&Correlation> {
        self.correlation.as_ref()
    }

    /// Its priority level.
    pub const fn priority(&self) -> u32 {
        self.priority
    }

    /// How long the caller let it wait in the queue.
    pub const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// When nobody waits for the answer any more.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How many rows it has; 1 where the model has no batch dimension.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Gives its inputs back.
    pub(crate) fn release(&mut self) {
        self.frames = SmallVec::new();
    }

    /// Whether its inputs were given back.
    pub(crate) fn is_released(&self) -> bool {
        self.frames.len() < self.descs.len()
    }

    /// How many bytes its inputs take.
    pub(crate) fn bytes(&self) -> usize {
        let sizes = self.descs.iter().map(|desc| desc.byte_size);
        sizes.fold(0, usize::saturating_add)
    }

    /// Whether the inputs of both can be put one after the other: the same ones, of the same types, and of
    /// the same extents but for the first.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let mut pairs = self.descs.iter().zip(&other.descs);
        self.descs.len() == other.descs.len()
            && pairs.all(|(one, other)| {
                one.index == other.index
                    && one.dtype == other.dtype
                    && one.shape.get(1..) == other.shape.get(1..)
            })
    }
}

impl CallInput<'_> {
    /// Its elements in one piece, copied only if they arrived in several.
    pub fn contiguous(&self) -> Bytes {
        joined(self.frames)
    }
}

/// Pieces in one, copied only if they are several.
pub(crate) fn joined(frames: &Frames) -> Bytes {
    match frames.as_slice() {
        [] => Bytes::new(),
        [frame] => frame.clone(),
        frames => {
            let size = frames.iter().map(Bytes::len).sum();
            let mut joined = BytesMut::with_capacity(size);
            for frame in frames {
                joined.extend_from_slice(frame);
            }
            joined.freeze()
        }
    }
}
