//! Reading an archive of arrays, entry by entry, in its order. Nothing is ever extracted, so an entry's
//! name is only a name, slashes and all.

use std::collections::HashSet;
use std::io::{Read, Seek};

use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;
use zip::{ZipArchive, ZipReadOptions};

use super::error::{ArrayError, NumpyError};
use super::limits::{Budget, Limits};
use super::meter::{Allowance, Metered};
use super::npy;
use crate::TensorData;

/// How many bytes of an archive's directory an entry may take on average: its name and 46 to 100 more.
const DIRECTORY_ENTRY: u64 = 1 << 10;

/// How many bytes finding the directory may take: it lies within the last 64 KiB.
const DIRECTORY_SEARCH: u64 = 1 << 20;

/// Reads all arrays of an `.npz` archive, in its order, each with its name less the `.npy`.
pub fn read_npz(
    reader: impl Read + Seek,
    limits: &Limits,
) -> Result<Vec<(String, TensorData)>, NumpyError> {
    let mut archive = open(reader, limits)?;
    let mut budget = Budget::new(limits);
    let mut seen = HashSet::new();
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(NumpyError::Archive)?;
        let path = entry.name().map_err(NumpyError::Archive)?.into_owned();
        // Some archivers add an entry for each folder, which holds nothing.
        if entry.is_dir() && entry.size() == 0 {
            continue;
        }
        let encrypted = entry.encrypted();
        drop(entry);
        let name = path
            .strip_suffix(".npy")
            .ok_or(ArrayError::NotAnArray)
            .map_err(NumpyError::in_array(&path))?;
        if !seen.insert(name.to_owned()) {
            return Err(NumpyError::in_array(name)(ArrayError::Duplicate));
        }
        if encrypted {
            return Err(NumpyError::in_array(name)(ArrayError::Encrypted));
        }
        // A directory that contradicts the entry would have other readers read something else.
        let options = ZipReadOptions::new().enforce_header_consistency(true);
        let tensor = archive
            .by_index_with_options(index, options)
            .map_err(ArrayError::Entry)
            .and_then(|mut entry| npy::read_array(&mut entry, limits, &mut budget))
            .map_err(NumpyError::in_array(name))?;
        arrays.push((name.to_owned(), tensor));
    }
    Ok(arrays)
}

/// Lists the entries, with as much reading as the allowed number of them can take.
fn open<R: Read + Seek>(reader: R, limits: &Limits) -> Result<ZipArchive<Metered<R>>, NumpyError> {
    let entries = u64::try_from(limits.entries).unwrap_or(u64::MAX);
    let limit = entries
        .saturating_mul(DIRECTORY_ENTRY)
        .saturating_add(DIRECTORY_SEARCH);
    let allowance = Allowance::new(limit);
    let config = Config {
        // NumPy's archives begin with the file; looking for one further on would read all of it.
        archive_offset: ArchiveOffset::Known(0),
    };
    let opened = ZipArchive::with_config(config, Metered::new(reader, allowance.clone()));
    let archive = opened.map_err(|error| match error {
        _ if allowance.is_spent() => NumpyError::DirectoryTooLarge { limit },
        ZipError::Io(error) => NumpyError::Io(error),
        other => NumpyError::Archive(other),
    })?;
    allowance.lift();
    if archive.len() > limits.entries {
        return Err(NumpyError::TooManyEntries {
            entries: archive.len(),
            limit: limits.entries,
        });
    }
    if archive.has_duplicate_names() {
        return Err(NumpyError::DuplicateEntries);
    }
    Ok(archive)
}
