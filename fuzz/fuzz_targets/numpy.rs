//! Arrays and archives of NumPy: any bytes are refused or become tensors that can be written again.
#![no_main]

#[path = "../entries/numpy.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
