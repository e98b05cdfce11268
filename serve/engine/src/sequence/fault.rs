//! Why a model cannot be told of its sequences, or have something kept of them, as it is asked: which of the tensors that
//! are filled in, what of it, and why. Knows no name that a configuration has for these.

use std::fmt;

/// A tensor that is filled in cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tensor}: {reason}")]
pub struct SequenceFault {
    /// Which one.
    pub tensor: SequenceTensor,
    /// What of it is wrong.
    pub part: SequencePart,
    /// Why.
    pub reason: String,
}

/// What is filled in for sequences, by its position among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceTensor {
    /// An input that tells a model which part of its sequence a request is.
    Control(usize),
    /// What is kept from one request to the next.
    State(usize),
}

/// What of it can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequencePart {
    /// The input.
    Input,
    /// The output.
    Output,
    /// What it tells.
    Kind,
    /// The type of its elements.
    Type,
    /// What a sequence begins with.
    Initial,
}

impl SequenceFault {
    pub(super) fn control(index: usize, part: SequencePart, reason: impl Into<String>) -> Self {
        Self {
            tensor: SequenceTensor::Control(index),
            part,
            reason: reason.into(),
        }
    }

    pub(super) fn state(index: usize, part: SequencePart, reason: impl Into<String>) -> Self {
        Self {
            tensor: SequenceTensor::State(index),
            part,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for SequenceTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(index) => write!(f, "control {index} of sequences"),
            Self::State(index) => write!(f, "state {index} of sequences"),
        }
    }
}
