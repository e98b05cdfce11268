//! Tensors in files: written whole or not at all, and read in the order of a signature.

use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use nav_package_format::numpy::{Limits, NumpyError, NumpyFile, read_file, write_npz};
use nav_package_format::{Signature, TensorData, TensorView};
use nav_runners::TensorDesc;

/// The inputs of a run, described for a session.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) tensors: Vec<(String, TensorData)>,
    pub(super) descs: Vec<TensorDesc>,
}

/// Writes tensors beside their place and renames the file, so that nobody sees half of it.
pub(crate) fn write_tensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, TensorView<'a>)>,
) -> Result<(), NumpyError> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let unfinished = tempfile::NamedTempFile::new_in(folder).map_err(NumpyError::Io)?;
    let writer = write_npz(BufWriter::new(unfinished.as_file()), tensors)?;
    let flushed = writer
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    flushed.map_err(NumpyError::Io)?;
    unfinished
        .persist(path)
        .map_err(|error| NumpyError::Io(error.error))?;
    Ok(())
}

/// The tensors of a file of ours.
pub(super) fn read_tensors(path: &Path) -> Result<Vec<(String, TensorData)>, NumpyError> {
    match read_file(path, &Limits::default())? {
        NumpyFile::Many(tensors) => Ok(tensors),
        NumpyFile::One(tensor) => Ok(vec![(String::new(), tensor)]),
    }
}

impl Inputs {
    /// The inputs in a file. What is no input of the model is left out, as the runner says it better.
    pub(super) fn read(path: &Path, signature: &Signature) -> Result<Arc<Self>, NumpyError> {
        let mut tensors = read_tensors(path)?;
        let index = |name: &str| signature.input(name).map(|(index, _)| index);
        tensors.retain(|(name, _)| index(name).is_some());
        tensors.sort_by_key(|(name, _)| index(name));
        let descs = tensors.iter().map(|(name, tensor)| TensorDesc {
            index: index(name).unwrap_or_default(),
            dtype: tensor.dtype(),
            shape: tensor.shape().clone(),
            byte_size: tensor.bytes().len(),
        });
        Ok(Arc::new(Self {
            descs: descs.collect(),
            tensors,
        }))
    }
}
