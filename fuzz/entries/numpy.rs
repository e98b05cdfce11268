//! Arrays and archives of NumPy: any bytes are refused or become tensors that can be written again.

use std::io::Cursor;

use nav_package_format::numpy::{Limits, read_npy, read_npz, write_npy};

/// Whether the bytes were taken for an array, or for an archive of some.
pub(crate) fn enter(bytes: &[u8]) -> bool {
    let limits = Limits {
        total_bytes: 1 << 22,
        ..Limits::default()
    };
    let array = read_npy(bytes, &limits);
    if let Ok(tensor) = &array {
        let mut written = Vec::new();
        if write_npy(&mut written, tensor.view()).is_ok() {
            let again = read_npy(&written[..], &Limits::default());
            assert!(again.is_ok_and(|again| again.dtype() == tensor.dtype()));
        }
    }
    array.is_ok() || read_npz(Cursor::new(bytes), &limits).is_ok()
}
