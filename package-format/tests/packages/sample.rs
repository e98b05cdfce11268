//! One package of each format version, written when the version was the current one. They open for ever.

use std::path::PathBuf;

use nav_package_format::archive::Limits;
use nav_package_format::package::{Package, strategy};

use crate::content;

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/packages")
}

#[test]
fn packages_of_every_version_open_and_are_whole() {
    let mut opened = 0;
    for entry in std::fs::read_dir(samples()).unwrap() {
        let path = entry.unwrap().path();
        let package = Package::open(&path, &Limits::default()).unwrap();
        package.verify(&mut |_| {}).unwrap();
        let version = format!("v{}.nav", package.origin().format());
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), version);
        let choice = package.get_best_runtime(strategy::DEFAULT).unwrap();
        assert_eq!(choice.runtime.to_string(), "onnx-all-2 on OnnxCPU");
        opened += 1;
    }
    assert_eq!(opened, 1);
}

/// Run this by name when the version of the format changes, never for a version that has a sample.
#[test]
#[ignore = "writes the sample of the current version"]
fn write_the_sample_of_the_current_version() {
    let version = nav_package_format::package::manifest::CURRENT;
    let path = samples().join(format!("v{version}.nav"));
    assert!(!path.exists(), "{} is there for ever", path.display());
    content::write(&path, 4);
}
