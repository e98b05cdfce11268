//! Archives of packages: any bytes are refused or read to their end, within bounds.

use std::io::Write;

use nav_package_format::archive::{Archive, Limits};

/// Whether the bytes were taken for an archive that can be read to its end.
pub(crate) fn enter(bytes: &[u8]) -> bool {
    let mut file = tempfile::tempfile().expect("there is room");
    file.write_all(bytes).expect("there is room");
    let limits = Limits {
        total_bytes: 1 << 22,
        inflated_bytes: 1 << 22,
        ..Limits::default()
    };
    let Ok(archive) = Archive::from_file(file, &limits) else {
        return false;
    };
    let _canonical = archive.check_canonical();
    // Whatever the contents are, they are told apart or refused; ours are checked to the last byte.
    let Ok(digests) = archive.digests(&mut |_| {}) else {
        return false;
    };
    assert!(archive.verify_all(&digests, &mut |_| {}).is_ok());
    true
}
