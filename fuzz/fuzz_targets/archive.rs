//! Archives of packages: any bytes are refused or read to their end, within bounds.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use nav_package_format::archive::{Archive, Limits};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::tempfile() else {
        return;
    };
    if file.write_all(bytes).is_err() {
        return;
    }
    let limits = Limits {
        total_bytes: 1 << 22,
        inflated_bytes: 1 << 22,
        ..Limits::default()
    };
    if let Ok(archive) = Archive::from_file(file, &limits) {
        // Whatever the contents are, they are told apart or refused; ours are checked to the last byte.
        if let Ok(digests) = archive.digests(&mut |_| {}) {
            assert!(archive.verify_all(&digests, &mut |_| {}).is_ok());
        }
        let _canonical = archive.check_canonical();
    }
});
