//! Writing an archive of arrays: stored as they are, and equal inputs give equal bytes.

use std::collections::HashSet;
use std::io::{Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::error::{ArrayError, NumpyError};
use super::write_npy::Array;
use crate::TensorView;

/// Writes an `.npz` archive of these arrays, in this order, and gives the writer back.
pub fn write_npz<'a, W: Write + Seek>(
    writer: W,
    arrays: impl IntoIterator<Item = (&'a str, TensorView<'a>)>,
) -> Result<W, NumpyError> {
    let mut archive = ZipWriter::new(writer);
    let mut seen = HashSet::new();
    for (name, tensor) in arrays {
        if !seen.insert(name) {
            return Err(NumpyError::in_array(name)(ArrayError::Duplicate));
        }
        write_entry(&mut archive, name, tensor).map_err(NumpyError::in_array(name))?;
    }
    archive.finish().map_err(|error| match error {
        ZipError::Io(error) => NumpyError::Io(error),
        other => NumpyError::Archive(other),
    })
}

fn write_entry<W: Write + Seek>(
    archive: &mut ZipWriter<W>,
    name: &str,
    tensor: TensorView<'_>,
) -> Result<(), ArrayError> {
    let array = Array::new(tensor)?;
    // Everything that could depend on the machine or the moment is fixed.
    let options = SimpleFileOptions::DEFAULT
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT)
        .system(System::Unix)
        .unix_permissions(0o644)
        .large_file(array.size().is_none_or(|size| size >= zip::ZIP64_BYTES_THR));
    archive
        .start_file(format!("{name}.npy"), options)
        .map_err(ArrayError::Entry)?;
    array.write(archive).map_err(ArrayError::Io)
}
