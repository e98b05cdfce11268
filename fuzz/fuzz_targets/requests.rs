//! Requests to infer: any bytes as JSON with binary blocks behind it, as a raw tensor, as a request to generate and as
//! a message over gRPC are refused or answered.
#![no_main]

#[path = "../entries/requests.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
