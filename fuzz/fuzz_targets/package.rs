//! Packages, ours and Model Navigator's: any bytes are refused, or every question about them has an answer.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use nav_package_format::archive::{Archive, Limits};
use nav_package_format::numpy;
use nav_package_format::package::Package;
use nav_package_format::package::strategy::DEFAULT;

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
    let Ok(archive) = Archive::from_file(file, &limits) else {
        return;
    };
    if let Ok(package) = Package::from_archive(archive) {
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
        let _verified = package.verify(&mut |_| {});
    }
});
