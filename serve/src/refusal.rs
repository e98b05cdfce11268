//! What a client is told when it does not get what it wants, over any protocol: the one table of statuses, and the
//! words.

use std::time::Duration;

use hyper::StatusCode;
use nav_engine::{ErrorKind, InferError};
use tonic::Code;

use crate::compression::{Coding, Inflation};
use crate::shared_memory::RegionError;
use crate::wire::Fault;

/// The most characters that a client is told: what it sent is part of many texts.
pub(crate) const LONGEST_TEXT: usize = 4096;

/// Why a request is not answered as it wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) text: String,
    pub(crate) retry_after: Option<Duration>,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// The request is wrong.
    Invalid,
    /// What it names is not there.
    NotFound,
    /// What it wants to make is there.
    Exists,
    /// The client went away.
    Cancelled,
    /// What it asks cannot be answered now.
    Unavailable,
    /// There is too much to do.
    Overloaded,
    /// What it asks is not offered.
    Unsupported,
    /// What it asks is not offered to whoever asks.
    Forbidden,
    /// It is larger than it may be.
    TooLarge,
    /// It takes longer than it may.
    TooSlow,
    /// There is such a route, but not with this method.
    Method,
    /// It comes in an encoding that is not understood.
    Encoding,
    /// The fault is here.
    Internal,
}

impl RefusalKind {
    /// What it is in HTTP.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Invalid | Self::Exists | Self::Cancelled => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unavailable | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unsupported | Self::Encoding => StatusCode::NOT_IMPLEMENTED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What it is in gRPC.
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Invalid => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::Exists => Code::AlreadyExists,
            Self::Cancelled => Code::Cancelled,
            Self::Unavailable => Code::Unavailable,
            Self::Overloaded | Self::TooLarge => Code::ResourceExhausted,
            Self::Unsupported | Self::Encoding | Self::Method => Code::Unimplemented,
            // Those who may not ask are not to ask again, which clients do when something is unavailable.
            Self::Forbidden => Code::PermissionDenied,
            Self::TooSlow => Code::DeadlineExceeded,
            Self::Internal => Code::Internal,
        }
    }
}

impl From<ErrorKind> for RefusalKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::Invalid,
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::NotReady | ErrorKind::DeadlineExceeded => Self::Unavailable,
            ErrorKind::Overloaded => Self::Overloaded,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
            text.truncate(end);
        }
        Self {
            kind,
            text,
            retry_after: None,
        }
    }

    /// The request is wrong.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, text)
    }

    /// The fault is here.
    pub(crate) fn internal(text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Internal, text)
    }

    /// What was to answer panicked.
    pub(crate) fn bug() -> Self {
        Self::internal("the server has a bug here")
    }

    /// Everybody's bodies hold as much memory as they may.
    pub(crate) fn no_room() -> Self {
        Self {
            // What is on its way ends by itself.
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(
                RefusalKind::Overloaded,
                "requests on their way hold as much memory as they may",
            )
        }
    }

    /// A body, or whatever it is called, has more bytes than it may.
    pub(crate) fn too_large(what: &str, limit: usize) -> Self {
        let text = format!("the {what} is larger than {limit} bytes, which is the limit");
        Self::new(RefusalKind::TooLarge, text)
    }

    /// It cannot be decompressed.
    pub(crate) fn inflating(why: Inflation, coding: Coding, (what, limit): (&str, usize)) -> Self {
        match why {
            Inflation::Corrupt => {
                Self::invalid(format!("the {what} is no whole {} stream", coding.name()))
            }
            Inflation::TooLarge => Self::too_large(what, limit),
            Inflation::NoRoom => Self::no_room(),
        }
    }

    /// There is no such route.
    pub(crate) fn no_route() -> Self {
        Self::new(RefusalKind::NotFound, "Not Found")
    }

    /// Clients load and unload nothing here.
    pub(crate) fn control() -> Self {
        Self::new(
            RefusalKind::Unavailable,
            "explicit model load / unload is not allowed if polling is enabled",
        )
    }

    /// There is one repository, which has no name.
    pub(crate) fn control_elsewhere() -> Self {
        Self::new(
            RefusalKind::Unsupported,
            "'repository_name' specification is not supported",
        )
    }

    /// The route has no such method.
    pub(crate) fn method() -> Self {
        Self::new(RefusalKind::Method, "Method Not Allowed")
    }

    /// What an error of the engine is to a client who named the request like this.
    pub(crate) fn of_engine(error: &InferError, id: Option<&str>) -> Self {
        Self {
            retry_after: error.retry_after(),
            ..Self::new(error.kind().into(), text_of(error, id))
        }
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
        Self::invalid(fault.to_string())
    }
}

impl From<RegionError> for Refusal {
    fn from(error: RegionError) -> Self {
        let kind = match error {
            RegionError::Off | RegionError::NoCuda { .. } => RefusalKind::Unsupported,
            RegionError::Exists { .. } => RefusalKind::Exists,
            RegionError::Unknown { .. } | RegionError::UnknownOf { .. } => RefusalKind::NotFound,
            RegionError::Key { .. } | RegionError::Owner { .. } => RefusalKind::Forbidden,
            RegionError::TooMany { .. } | RegionError::Overloaded => RefusalKind::Overloaded,
            RegionError::TooLarge { .. } => RefusalKind::TooLarge,
            RegionError::System { .. } => RefusalKind::Internal,
            RegionError::Unnamed { .. }
            | RegionError::LongName { .. }
            | RegionError::Open { .. }
            | RegionError::Alignment { .. }
            | RegionError::Extent { .. }
            | RegionError::Offset { .. }
            | RegionError::End { .. }
            | RegionError::Room { .. }
            | RegionError::Shrunk { .. }
            | RegionError::Cuda { .. } => RefusalKind::Invalid,
        };
        Self {
            // Only what is on its way ends by itself.
            retry_after: (error == RegionError::Overloaded).then(|| Duration::from_secs(1)),
            ..Self::new(kind, error.to_string())
        }
    }
}
