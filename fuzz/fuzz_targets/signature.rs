//! Signatures and keys: any bytes are refused or read, as an envelope, as what is signed in one, and as PEM.
#![no_main]

#[path = "../entries/signature.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
