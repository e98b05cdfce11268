//! gRPC as a client speaks it: messages in frames of HTTP/2, written and read here, as a client for every purpose costs
//! several times as much for each request as what is measured.

pub(crate) mod connection;
mod frames;
mod huffman;
pub(crate) mod messages;
mod metadata;
mod windows;
