//! Packages, ours and Model Navigator's: any bytes are refused, or every question about them has an answer.

use std::io::Write;

use nav_package_format::archive::{Archive, Limits};
use nav_package_format::numpy;
use nav_package_format::package::Package;
use nav_package_format::package::strategy::DEFAULT;

/// Whether the bytes were taken for a package that is whole.
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
    let Ok(package) = Package::from_archive(archive) else {
        return false;
    };
    let _choice = package.get_best_runtime(DEFAULT);
    let limits = numpy::Limits {
        total_bytes: 1 << 22,
        ..numpy::Limits::default()
    };
    let _samples = package.samples("profiling", &limits);
    let _sizes: Vec<_> = package
        .variants()
        .iter()
        .map(|variant| package.model_bytes(variant))
        .collect();
    package.verify(&mut |_| {}).is_ok()
}
