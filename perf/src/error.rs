//! Why nothing could be measured at all. What becomes of single requests is no error, but a result.

use std::io;
use std::net::SocketAddr;

use nav_package_format::DType;

use crate::failure::Failed;
use crate::tls::TlsError;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum PerfError {
    /// No server is at such an address.
    #[error("`{text}` is no address of a server, which is like HOST:PORT")]
    Address {
        /// What was given.
        text: String,
    },
    /// Nobody knows where the server is.
    #[error("cannot find out where `{host}` is")]
    Lookup {
        /// The server's name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// Connections cannot be encrypted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server does not tell what is needed about a model.
    #[error("{address} does not tell about model `{model}`: {failed}")]
    Describe {
        /// The server.
        address: SocketAddr,
        /// The model.
        model: String,
        /// What became of the question.
        failed: Failed,
    },
    /// A name that cannot travel in a path or a header.
    #[error("{what} `{text}` holds characters that cannot travel in a request")]
    Unspeakable {
        /// What it is.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The elements of an input have no form in JSON.
    #[error("input `{input}` of {dtype} has no form in JSON; use another protocol")]
    NoJson {
        /// The input.
        input: String,
        /// The type of its elements.
        dtype: DType,
    },
    /// A message is larger than a frame of gRPC says.
    #[error("a request of {bytes} bytes is more than a message of gRPC may be")]
    TooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// There is nothing to send.
    #[error("there is no request to send")]
    NothingToSend,
    /// A request has no JSON.
    #[error("a request cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The system refuses what is needed to send anything.
    #[error("cannot {what}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl PerfError {
    pub(crate) fn system(what: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System {
            what,
            source: source.into(),
        }
    }
}
