//! Archives of packages: any bytes are refused or read to their end, within bounds.
#![no_main]

#[path = "../entries/archive.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
