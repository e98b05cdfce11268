//! Extracting: only below the folder, only new files, and none that is not right.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::ExtractFolder;
use super::*;

const FILES: &[(&str, &[u8])] = &[("a/b/c", b"content"), ("d", b"more")];

fn archive() -> (TempDir, PathBuf, Expected) {
    let (folder, path) = place();
    let expected = write(&path, FILES);
    (folder, path, expected)
}

fn extract(
    path: &Path,
    name: &str,
    digest: Option<&Digest>,
    target: &Path,
) -> Result<(), ArchiveError> {
    let archive = Archive::open(path, &Limits::default()).unwrap();
    let folder = ExtractFolder::open(target).unwrap();
    archive.extract(name, digest, &folder, &mut |_| {})
}

#[test]
fn a_file_is_extracted_for_its_owner_only_and_never_over_another() {
    let (_folder, path, expected) = archive();
    let target = tempfile::tempdir().unwrap();
    for (name, content) in FILES {
        let (_, digest) = &expected[*name];
        extract(&path, name, Some(digest), target.path()).unwrap();
        let file = target.path().join(name);
        assert_eq!(fs::read(&file).unwrap(), *content);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(&target.path().join("a")), 0o700);
    }
    fs::write(target.path().join("d"), "other").unwrap();
    let error = extract(&path, "d", None, target.path()).unwrap_err();
    assert!(!error.is_integrity());
    assert_eq!(
        chain(&error),
        "entry \"d\" of the archive: it cannot be extracted: File exists (os error 17)"
    );
    assert_eq!(fs::read(target.path().join("d")).unwrap(), b"other");
}

#[test]
fn links_lead_nowhere() {
    let (_folder, path, _) = archive();
    let (target, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(outside.path(), target.path().join("a")).unwrap();
    symlink(outside.path().join("d"), target.path().join("d")).unwrap();
    for (name, _) in FILES {
        extract(&path, name, None, target.path()).unwrap_err();
    }
    assert_eq!(names_in(outside.path()), [""; 0]);
}

#[test]
fn a_file_that_is_not_right_is_removed_again() {
    let (_folder, path, _) = archive();
    let target = tempfile::tempdir().unwrap();
    let wrong = Digest::of(b"");
    let error = extract(&path, "d", Some(&wrong), target.path()).unwrap_err();
    assert!(error.is_integrity());
    extract(&path, "e", None, target.path()).unwrap_err();
    let mut bytes = fs::read(&path).unwrap();
    let archive = open(&bytes).unwrap();
    let at = archive.stored_range("a/b/c").unwrap().start;
    bytes[usize::try_from(at).unwrap()] ^= 1;
    fs::write(&path, bytes).unwrap();
    extract(&path, "a/b/c", None, target.path()).unwrap_err();
    assert_eq!(names_in(target.path()), ["a"]);
    assert_eq!(names_in(&target.path().join("a/b")), [""; 0]);
}
