//! Packages, ours and Model Navigator's: any bytes are refused, or every question about them has an answer.
#![no_main]

#[path = "../entries/package.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
