//! Every byte of a package counts.

use std::fs;
use std::path::Path;

use nav_package_format::archive::Limits;
use nav_package_format::package::{Package, PackageError};

use crate::content;

fn check(path: &Path) -> Result<(), PackageError> {
    let package = Package::open(path, &Limits::default())?;
    package.verify(&mut |_| {}).map(drop)
}

#[test]
fn a_flip_of_any_byte_of_a_package_is_caught_and_its_place_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.nav");
    content::write(&path, 1);
    check(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    let package = Package::open(&path, &Limits::default()).unwrap();
    let ranges: Vec<(String, std::ops::Range<u64>)> = package
        .archive()
        .entries()
        .map(|entry| {
            let name = entry.name().to_owned();
            let range = package.archive().stored_range(&name).unwrap();
            (name, range)
        })
        .collect();
    for (position, flip) in (0..whole.len()).zip([0x01u8, 0x80, 0xff, 0x20].iter().cycle()) {
        let mut bytes = whole.clone();
        bytes[position] ^= flip;
        fs::write(&path, &bytes).unwrap();
        let error = check(&path).expect_err(&format!("byte {position} changed unseen"));
        assert!(error.is_integrity(), "byte {position}: {error}");
        let inside = ranges
            .iter()
            .find(|(_, range)| range.contains(&(position as u64)));
        if let Some((name, _)) = inside {
            assert!(
                error.to_string().contains(name),
                "byte {position} of {name}: {error}"
            );
        }
    }
}

#[test]
fn a_package_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.nav");
    content::write(&path, 1);
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = check(&path).expect_err("a part is no package");
        assert!(error.is_integrity(), "{length}: {error}");
    }
}
