//! Archives, sound and hostile.

mod extraction;
mod flips;
mod hostile;
mod large;
mod round_trip;
mod zips;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Archive, ArchiveError, ArchiveWriter, Limits};
use crate::Digest;

/// What should be in an archive.
type Expected = BTreeMap<String, (u64, Digest)>;

/// Writes an archive of these files, and tells what is in it.
fn write(path: &Path, files: &[(&str, &[u8])]) -> Expected {
    let mut writer = ArchiveWriter::create(path).unwrap();
    let mut expected = Expected::new();
    for (name, content) in files {
        let written = writer.add_bytes(name, content).unwrap();
        expected.insert((*name).to_owned(), (written.bytes, written.digest));
    }
    writer.finish().unwrap();
    expected
}

/// A file of these bytes, open for reading.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    Archive::from_file(file(bytes), &Limits::default())
}

/// A place for an archive.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.nav");
    (folder, path)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
