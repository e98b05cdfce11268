//! ONNX models: any bytes are refused or told, without a panic and in bounded memory.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use nav_package_format::onnx::{Limits, ModelFacts, read};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        memory: 1 << 26,
        ..Limits::default()
    };
    if let Ok(model) = read(Cursor::new(bytes), &limits) {
        let _facts = ModelFacts::new(&model, Vec::new());
    }
});
