//! Reading a file of either kind; its content says which one it is, not its name.

use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use super::error::NumpyError;
use super::header::MAGIC;
use super::limits::Limits;
use super::{read_npy, read_npz};
use crate::{TensorData, file};

/// How an archive begins: with its first entry, or with its end when it has none.
const ARCHIVE_STARTS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// What a NumPy file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumpyFile {
    /// One array, which has no name: an `.npy` file.
    One(TensorData),
    /// Arrays by name, in their order: an `.npz` file.
    Many(Vec<(String, TensorData)>),
}

/// Reads the `.npy` or `.npz` file of this path.
pub fn read_file(path: &Path, limits: &Limits) -> Result<NumpyFile, NumpyError> {
    let (file, _) = file::open(path)?;
    read_either(BufReader::new(file), limits).map_err(|error| NumpyError::InFile {
        path: path.to_owned(),
        source: Box::new(error),
    })
}

fn read_either(mut reader: impl Read + Seek, limits: &Limits) -> Result<NumpyFile, NumpyError> {
    let mut start = Vec::with_capacity(MAGIC.len());
    (&mut reader)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .and_then(|_| reader.seek(io::SeekFrom::Start(0)))
        .map_err(NumpyError::Io)?;
    if start == MAGIC {
        read_npy(reader, limits).map(NumpyFile::One)
    } else if ARCHIVE_STARTS.iter().any(|magic| start.starts_with(magic)) {
        read_npz(reader, limits).map(NumpyFile::Many)
    } else {
        Err(NumpyError::NotNumpy)
    }
}
