//! What the server is.

use hyper::Response;

use crate::describe;
use crate::http::body::Frames;
use crate::http::reply::message;

/// Name, version, extensions.
pub(super) fn metadata() -> Response<Frames> {
    message(&describe::server())
}
