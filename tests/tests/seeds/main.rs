//! The seeds of the fuzz targets: each goes the way that its target takes, and must have the end that its name says.
//!
//! What once broke a reader, here or elsewhere, is a seed; `fuzz/make-seeds` writes them, but for what fuzzing found.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

#[path = "../../../fuzz/entries/archive.rs"]
mod archive;
#[path = "../../../fuzz/entries/config.rs"]
mod config;
#[path = "../../../fuzz/entries/manifest.rs"]
mod manifest;
#[path = "../../../fuzz/entries/numpy.rs"]
mod numpy;
#[path = "../../../fuzz/entries/onnx.rs"]
mod onnx;
#[path = "../../../fuzz/entries/package.rs"]
mod package;
#[path = "../../../fuzz/entries/requests.rs"]
mod requests;
#[path = "../../../fuzz/entries/signature.rs"]
mod signature;
#[path = "../../../fuzz/entries/status.rs"]
mod status;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a target does with bytes: whether they were taken for what they claim to be.
type Enter = fn(&[u8]) -> bool;

/// The end of the name of a seed that is sound.
const READ: &str = ".read";

/// The end of the name of a seed that must be refused.
const REFUSED: &str = ".refused";

/// Every target, and what it does.
const TARGETS: &[(&str, Enter)] = &[
    ("archive", archive::enter),
    ("config", config::enter),
    ("manifest", manifest::enter),
    ("numpy", numpy::enter),
    ("onnx", onnx::enter),
    ("package", package::enter),
    ("requests", requests::enter),
    ("signature", signature::enter),
    ("status", status::enter),
];

fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_seed_has_the_end_that_its_name_says() {
    let mut wrong = Vec::new();
    for (target, enter) in TARGETS {
        let seeds = folder().join("seeds").join(target);
        let names = names(&seeds);
        let count = |end| names.iter().filter(|name| name.ends_with(end)).count();
        assert!(count(READ) > 0, "{target} has no seed that is read");
        assert!(
            count(REFUSED) > 4,
            "{target} has few seeds that are refused"
        );
        assert_eq!(count(READ) + count(REFUSED), names.len(), "{target}");
        for name in &names {
            let is_read = enter(&std::fs::read(seeds.join(name)).unwrap());
            if is_read != name.ends_with(READ) {
                wrong.push(format!("{target}/{name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_fuzz_target_has_seeds_that_are_run() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder().join("seeds")), targets);
    for kind in ["entries", "fuzz_targets"] {
        let files = names(&folder().join(kind));
        let named = targets.iter().map(|name| format!("{name}.rs"));
        assert_eq!(files, named.collect(), "{kind}");
    }
}
