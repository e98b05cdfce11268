//! HTTP: bodies in and out, what is refused, and the routes.

mod body;
mod receive;
mod reply;
mod routes;

pub(crate) use body::Frames;
pub(crate) use reply::{empty, text};
pub(crate) use routes::answer;
