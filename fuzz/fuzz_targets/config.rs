//! Configurations of models: any text is refused, or read and checked, and written and read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    nav_serve::fuzzing::config(text);
});
