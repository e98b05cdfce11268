//! Manifests: any text is refused, or makes sense, is written and read back the same, and can be chosen from.
#![no_main]

#[path = "../entries/manifest.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
