//! Reading an archive of arrays, entry by entry, in its order. Nothing is ever extracted, so an entry's
//! name is only a name, slashes and all.

use std::io::{Read, Seek, SeekFrom};

use super::error::{ArrayError, NumpyError};
use super::limits::{Budget, Limits};
use super::npy;
use crate::TensorData;
use crate::archive::{self, ArchiveError, Content, Dialect, Layout};

/// How many bytes of an archive's directory an entry may take on average: its name and 46 to 100 more.
const DIRECTORY_ENTRY: u64 = 1 << 10;

/// Reads all arrays of an `.npz` archive, in its order, each with its name less the `.npy`.
pub fn read_npz(
    mut reader: impl Read + Seek,
    limits: &Limits,
) -> Result<Vec<(String, TensorData)>, NumpyError> {
    let entries = u64::try_from(limits.entries).unwrap_or(u64::MAX);
    let directory_bytes = entries.saturating_mul(DIRECTORY_ENTRY);
    let directory = archive::Limits::of_directory(entries, directory_bytes);
    let layout = Layout::read(&mut reader, &directory, Dialect::Tensors)?;
    let mut budget = Budget::new(limits);
    let mut arrays = Vec::new();
    for entry in &layout.entries {
        // Some archivers add an entry for each folder, which holds nothing.
        if entry.is_folder() {
            continue;
        }
        let path = entry.name();
        let name = path
            .strip_suffix(".npy")
            .ok_or(ArrayError::NotAnArray)
            .map_err(NumpyError::in_array(path))?;
        let start = SeekFrom::Start(entry.data_at);
        reader.seek(start).map_err(ArchiveError::Io)?;
        let mut content = Content::new(&mut reader, entry, None);
        let tensor = npy::read_array(&mut content, limits, &mut budget)
            .map_err(NumpyError::in_array(name))?;
        arrays.push((name.to_owned(), tensor));
    }
    Ok(arrays)
}
