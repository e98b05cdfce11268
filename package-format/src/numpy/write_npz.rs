//! Writing an archive of arrays: stored as they are, and equal inputs give equal bytes.

use std::collections::HashSet;
use std::io::{self, Seek, Write};

use super::error::{ArrayError, NumpyError};
use super::write_npy::Array;
use crate::TensorView;
use crate::archive::{Alignment, Sink};

/// Writes an `.npz` archive of these arrays, in this order, and gives the writer back, which must be at its
/// start.
pub fn write_npz<'a, W: Write + Seek>(
    writer: W,
    arrays: impl IntoIterator<Item = (&'a str, TensorView<'a>)>,
) -> Result<W, NumpyError> {
    let mut archive = Sink::new(writer);
    let mut seen = HashSet::new();
    for (name, tensor) in arrays {
        if !seen.insert(name) {
            return Err(NumpyError::in_array(name)(ArrayError::Duplicate));
        }
        write_entry(&mut archive, name, tensor).map_err(NumpyError::in_array(name))?;
    }
    archive.finish().map_err(NumpyError::Io)
}

fn write_entry<W: Write + Seek>(
    archive: &mut Sink<W>,
    name: &str,
    tensor: TensorView<'_>,
) -> Result<(), ArrayError> {
    let array = Array::new(tensor)?;
    let size = array.size().ok_or(io::ErrorKind::FileTooLarge);
    let size = size.map_err(|kind| ArrayError::Io(kind.into()))?;
    let name = format!("{name}.npy");
    let mut entry = archive
        .start(&name, size, Alignment::None)
        .map_err(ArrayError::Io)?;
    array.write(&mut entry).map_err(ArrayError::Io)?;
    entry.finish().map_err(ArrayError::Io)
}
