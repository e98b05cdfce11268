//! Why a request got no answer, and what kind of thing that is to whoever asked.
//!
//! Knows no status code: the edges map kinds to theirs, in one table each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use nav_runners::{InputError, RunError};

use crate::request::RequestFault;

/// Why there is no answer. Cheap to clone, since one failed run answers a whole batch.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InferError {
    /// No model has this name.
    #[error("there is no model `{model}`")]
    UnknownModel {
        /// The name as given.
        model: Box<str>,
    },
    /// The model has no such version.
    #[error("model `{model}` has no version {version}")]
    UnknownVersion {
        /// Its name.
        model: Box<str>,
        /// The version as given.
        version: u64,
    },
    /// The model is known, but cannot take requests now.
    #[error("model `{model}` is not ready: {reason}")]
    NotReady {
        /// Its name.
        model: Arc<str>,
        /// Why not.
        reason: Arc<str>,
    },
    /// The engine takes no more requests.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The inputs do not fit the signature of the model.
    #[error(transparent)]
    Input(Arc<InputError>),
    /// The request asks for what cannot be.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The queue of the model, or of the request's priority level, is full.
    #[error("the queue of model `{model}` is full with {limit} requests")]
    QueueFull {
        /// Its name.
        model: Arc<str>,
        /// How many it takes.
        limit: usize,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// The requests in flight hold as much memory as they may.
    #[error("the requests in flight hold {limit} bytes, which is the limit")]
    TooManyBytes {
        /// The limit.
        limit: usize,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// As many requests are in flight as may be.
    #[error("{limit} requests are in flight, which is the limit")]
    TooManyRequests {
        /// The limit.
        limit: usize,
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// The request was still waiting when its time was over.
    #[error("the request expired after {} ms in the queue", waited.as_millis())]
    Expired {
        /// How long it waited.
        waited: Duration,
    },
    /// Whoever asked went away or changed their mind.
    #[error("the request was cancelled")]
    Cancelled,
    /// The model cannot be asked in this way.
    #[error("model `{model}` {what}")]
    Unsupported {
        /// Its name.
        model: Arc<str>,
        /// What it does not do, so that it completes the sentence.
        what: &'static str,
    },
    /// The runner failed.
    #[error(transparent)]
    Run(Arc<RunError>),
    /// The model itself answers with an error.
    #[error("{message}")]
    Model {
        /// What kind it says that it is.
        kind: ErrorKind,
        /// In its own words.
        message: Arc<str>,
    },
    /// The code of the model panicked.
    #[error("model `{model}` panicked: {message}")]
    Panicked {
        /// Its name.
        model: Arc<str>,
        /// The panic's own words.
        message: Arc<str>,
    },
    /// The request broke what ran it several times in a row.
    #[error(
        "model `{model}` broke down at this request several times and is not asked again for a while"
    )]
    Quarantined {
        /// Its name.
        model: Arc<str>,
    },
    /// The code of the model ended without an answer to this request.
    #[error("model `{model}` gave no answer")]
    Unanswered {
        /// Its name.
        model: Arc<str>,
    },
    /// What the model gave for the next request of the sequence is nothing that it takes.
    #[error("what is kept for input `{input}` of the next request cannot be: {reason}")]
    State {
        /// The input that it is for.
        input: Box<str>,
        /// Why it cannot be.
        reason: Box<str>,
    },
    /// What is kept of sequences holds as much memory as it may.
    #[error("what is kept of sequences holds {limit} bytes, which is the limit")]
    TooMuchState {
        /// The limit.
        limit: usize,
    },
    /// What the model gave cannot be told apart by request.
    #[error("output `{output}` has shape {shape}, which does not hold {rows} rows")]
    Rows {
        /// The output.
        output: Box<str>,
        /// Its shape.
        shape: Box<str>,
        /// How many rows were asked for.
        rows: usize,
    },
}

/// What kind of failure it is, for whoever must react to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong and will stay so.
    InvalidInput,
    /// What it asks for is not there.
    NotFound,
    /// What it asks for is there, but not now.
    NotReady,
    /// There is too much to do now.
    Overloaded,
    /// Its time was over.
    DeadlineExceeded,
    /// It was withdrawn.
    Cancelled,
    /// It asks for what is not offered.
    Unsupported,
    /// Something here is broken.
    Internal,
}

/// Under which reason a failed request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// Turned away by a queue: full, or expired in it.
    Rejected,
    /// Withdrawn.
    Cancelled,
    /// The model failed.
    Backend,
    /// Anything else.
    Other,
}

impl FailureReason {
    /// Every reason, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Cancelled, Self::Backend, Self::Other];

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Rejected => 0,
            Self::Cancelled => 1,
            Self::Backend => 2,
            Self::Other => 3,
        }
    }
}

impl InferError {
    /// An error in the model's own words.
    pub fn model(message: impl Into<Arc<str>>) -> Self {
        Self::Model {
            kind: ErrorKind::Internal,
            message: message.into(),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownModel { .. } | Self::UnknownVersion { .. } => ErrorKind::NotFound,
            Self::NotReady { .. } | Self::ShuttingDown => ErrorKind::NotReady,
            Self::Input(_) | Self::Request(_) | Self::Quarantined { .. } => ErrorKind::InvalidInput,
            Self::QueueFull { .. }
            | Self::TooManyBytes { .. }
            | Self::TooManyRequests { .. }
            | Self::TooMuchState { .. } => ErrorKind::Overloaded,
            Self::Expired { .. } => ErrorKind::DeadlineExceeded,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Run(error) => match **error {
                RunError::Input(_) => ErrorKind::InvalidInput,
                RunError::WorkerDown { .. } => ErrorKind::NotReady,
                _ => ErrorKind::Internal,
            },
            Self::Model { kind, .. } => *kind,
            Self::Panicked { .. }
            | Self::Unanswered { .. }
            | Self::Rows { .. }
            | Self::State { .. } => ErrorKind::Internal,
        }
    }

    /// Under which reason it is counted.
    pub const fn reason(&self) -> FailureReason {
        match self {
            Self::QueueFull { .. }
            | Self::TooManyBytes { .. }
            | Self::TooManyRequests { .. }
            | Self::TooMuchState { .. }
            | Self::Expired { .. } => FailureReason::Rejected,
            Self::Cancelled => FailureReason::Cancelled,
            Self::Run(_)
            | Self::Model { .. }
            | Self::Panicked { .. }
            | Self::Unanswered { .. }
            | Self::State { .. }
            | Self::Rows { .. } => FailureReason::Backend,
            Self::UnknownModel { .. }
            | Self::UnknownVersion { .. }
            | Self::NotReady { .. }
            | Self::ShuttingDown
            | Self::Input(_)
            | Self::Request(_)
            | Self::Quarantined { .. }
            | Self::Unsupported { .. } => FailureReason::Other,
        }
    }

    /// When it may be worth trying again, for those that were turned away because there was too much to do or nobody to do it.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Run(error) => match **error {
                RunError::WorkerDown { retry_after, .. } => Some(retry_after),
                _ => None,
            },
            Self::QueueFull { retry_after, .. }
            | Self::TooManyBytes { retry_after, .. }
            | Self::TooManyRequests { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether the requests of a failed batch may fare better without each other. They will not where the
    /// process that held the model is gone: it would have to come back for each of them.
    pub(crate) fn may_be_one_request(&self) -> bool {
        match self {
            Self::Run(error) => !matches!(
                **error,
                RunError::WorkerLost { .. } | RunError::WorkerDown { .. }
            ),
            Self::Model { .. } | Self::Panicked { .. } | Self::Rows { .. } | Self::Input(_) => true,
            _ => false,
        }
    }
}

impl From<InputError> for InferError {
    fn from(error: InputError) -> Self {
        Self::Input(Arc::new(error))
    }
}

impl From<RunError> for InferError {
    fn from(error: RunError) -> Self {
        Self::Run(Arc::new(error))
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "invalid input",
            Self::NotFound => "not found",
            Self::NotReady => "not ready",
            Self::Overloaded => "overloaded",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::Cancelled => "cancelled",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        })
    }
}
