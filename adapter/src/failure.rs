//! Why a callable gave no answer, in the words that its clients get.
//!
//! Any error becomes one with `?`, with its causes and nothing else: no trace, no path of this program.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use nav_engine::{ErrorKind, InferError, with_causes};

/// Why there is no answer. It is told to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    kind: ErrorKind,
    message: Arc<str>,
    is_unrecoverable: bool,
}

impl Failure {
    /// In these words.
    pub fn new(message: impl Into<Arc<str>>) -> Self {
        Self::of_kind(ErrorKind::Internal, message)
    }

    /// The request is wrong and will stay so.
    pub fn invalid(message: impl Into<Arc<str>>) -> Self {
        Self::of_kind(ErrorKind::InvalidInput, message)
    }

    /// Of this kind, which decides what status clients see.
    pub fn of_kind(kind: ErrorKind, message: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            is_unrecoverable: false,
        }
    }

    /// Nothing will go right any more in this process: the server answers what it has and ends with an error, so that
    /// whoever watches it starts another one.
    pub fn unrecoverable(message: impl Into<Arc<str>>) -> Self {
        Self {
            is_unrecoverable: true,
            ..Self::new(message)
        }
    }

    /// What kind it is.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether nothing will go right any more.
    pub const fn is_unrecoverable(&self) -> bool {
        self.is_unrecoverable
    }

    /// What the engine is told.
    pub(crate) fn told(&self) -> InferError {
        InferError::Model {
            kind: self.kind,
            message: Arc::clone(&self.message),
        }
    }
}

// Which is why this is no `Error` itself.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(with_causes(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
