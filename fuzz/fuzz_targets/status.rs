//! `status.yaml` of Model Navigator: any text is refused or gives records and metadata.
#![no_main]

#[path = "../entries/status.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
