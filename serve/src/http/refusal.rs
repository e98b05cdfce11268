//! From errors to statuses: the one table of it, and what the client is told.

use std::time::Duration;

use hyper::StatusCode;
use nav_engine::{ErrorKind, InferError};

use crate::wire::Fault;

/// Why a request is not answered as it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    pub(crate) retry_after: Option<Duration>,
    /// Encodings that would have been understood.
    pub(crate) accepts: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            retry_after: None,
            accepts: false,
        }
    }

    /// There is no such route.
    pub(crate) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The route has no such method.
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    /// What an error of the engine is to a client who named the request like this.
    pub(crate) fn of_engine(error: &InferError, id: Option<&str>) -> Self {
        let refusal = Self::new(status_of(error.kind()), text_of(error, id));
        Self {
            retry_after: error.retry_after(),
            ..refusal
        }
    }
}

/// What kinds of errors are in HTTP.
const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::Cancelled => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::NotReady | ErrorKind::Overloaded | ErrorKind::DeadlineExceeded => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The words that clients of this protocol know, where it has some.
fn text_of(error: &InferError, id: Option<&str>) -> String {
    let id = id.unwrap_or("<id_unknown>");
    match error {
        InferError::UnknownModel { model } => {
            format!("Request for unknown model: '{model}' is not found")
        }
        InferError::UnknownVersion { model, version } => {
            format!("Request for unknown model: '{model}' version {version} is not found")
        }
        InferError::QueueFull { .. } => {
            format!("[request id: {id}] Exceeds maximum queue size")
        }
        InferError::Expired { .. } => "Request timeout expired".to_owned(),
        // The model's own words, or those of whoever runs it: nothing is added.
        InferError::Model { .. } | InferError::Run(_) => error.to_string(),
        other => format!("[request id: {id}] {other}"),
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let status = match fault {
            Fault::SharedMemory { .. } => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, fault.to_string())
    }
}
