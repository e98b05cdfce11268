//! Arrays and archives of NumPy: any bytes are refused or become tensors that can be written again.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use nav_package_format::numpy::{Limits, read_npy, read_npz, write_npy};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        total_bytes: 1 << 22,
        ..Limits::default()
    };
    if let Ok(tensor) = read_npy(bytes, &limits) {
        let mut written = Vec::new();
        if write_npy(&mut written, tensor.view()).is_ok() {
            let again = read_npy(&written[..], &Limits::default());
            assert!(again.is_ok_and(|again| again.dtype() == tensor.dtype()));
        }
    }
    let _archive = read_npz(Cursor::new(bytes), &limits);
});
