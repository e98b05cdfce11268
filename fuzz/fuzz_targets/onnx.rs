//! ONNX models: any bytes are refused or told, without a panic and in bounded memory.
#![no_main]

#[path = "../entries/onnx.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entry::enter(bytes);
});
