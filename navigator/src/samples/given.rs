//! Samples that a user gives: files of arrays, checked against the model before anything runs.

use std::path::{Path, PathBuf};

use nav_package_format::numpy::{Limits, NumpyError, NumpyFile, read_file};
use nav_package_format::{DType, Shape, Signature, TensorData};

/// A sample: a name, and the inputs of one run in the order of the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The name of its file.
    pub name: String,
    /// The inputs by name.
    pub inputs: Vec<(String, TensorData)>,
}

/// Why samples cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file is no NumPy file.
    #[error(transparent)]
    File(#[from] NumpyError),
    /// A folder cannot be read.
    #[error("cannot read the folder {path}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder has no sample.
    #[error("{path} holds no .npz and no .npy file", path = .path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// An array without a name, and more than one input that it could be.
    #[error("{file} holds one array without a name, and the model has {inputs} inputs")]
    Nameless {
        /// The file.
        file: String,
        /// How many inputs the model has.
        inputs: usize,
    },
    /// An array without a name, and a model whose inputs have to be told by samples.
    #[error("{file} holds one array without a name; an .npz file has names")]
    Unnamed {
        /// The file.
        file: String,
    },
    /// An array that is no input.
    #[error("{file} holds `{name}`, and the model has no such input")]
    Unknown {
        /// The file.
        file: String,
        /// The array.
        name: String,
    },
    /// An input that is not there.
    #[error("{file} lacks input `{name}`")]
    Missing {
        /// The file.
        file: String,
        /// The input.
        name: String,
    },
    /// An array of another type.
    #[error("{file} holds `{name}` as {found}, expected {expected}")]
    DType {
        /// The file.
        file: String,
        /// The input.
        name: String,
        /// What there is.
        found: DType,
        /// What the model declares.
        expected: DType,
    },
    /// An array of another shape.
    #[error("{file} holds `{name}` of shape {found}, expected {expected}")]
    Shape {
        /// The file.
        file: String,
        /// The input.
        name: String,
        /// What there is.
        found: Shape,
        /// What the model declares.
        expected: String,
    },
}

impl SampleError {
    /// Whether a file is damaged, rather than unreadable or not for this model.
    pub fn is_integrity(&self) -> bool {
        matches!(self, Self::File(error) if error.is_integrity())
    }
}

/// Reads the samples of a file, or of all files of a folder in the order of their names.
pub fn read_samples(path: &Path, signature: &Signature) -> Result<Vec<Sample>, SampleError> {
    let files = files_of(path)?;
    files
        .iter()
        .map(|file| read_sample(file, signature))
        .collect()
}

/// The named arrays of each sample, of a model of which nothing is known.
pub fn read_arrays(path: &Path) -> Result<Vec<Vec<(String, TensorData)>>, SampleError> {
    let files = files_of(path)?;
    let arrays = files
        .iter()
        .map(|file| match read_file(file, &Limits::default())? {
            NumpyFile::Many(arrays) => Ok(arrays),
            NumpyFile::One(_) => {
                let name = file.file_name().unwrap_or(file.as_os_str());
                Err(SampleError::Unnamed {
                    file: name.to_string_lossy().into_owned(),
                })
            }
        });
    arrays.collect()
}

/// A file, or the samples of a folder in the order of their names.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, SampleError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |source| SampleError::Folder {
        path: path.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("npz" | "npy")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(SampleError::NoFiles {
            path: path.to_owned(),
        });
    }
    files.sort();
    Ok(files)
}

fn read_sample(path: &Path, signature: &Signature) -> Result<Sample, SampleError> {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let file = name.to_string_lossy().into_owned();
    let arrays = match read_file(path, &Limits::default())? {
        NumpyFile::Many(arrays) => arrays,
        NumpyFile::One(array) => match &*signature.inputs {
            [only] => vec![(only.name.clone(), array)],
            inputs => {
                return Err(SampleError::Nameless {
                    file,
                    inputs: inputs.len(),
                });
            }
        },
    };
    let inputs = fit(&file, arrays, signature)?;
    Ok(Sample { name: file, inputs })
}

/// The arrays in the order of the signature, if they are its inputs.
fn fit(
    file: &str,
    mut arrays: Vec<(String, TensorData)>,
    signature: &Signature,
) -> Result<Vec<(String, TensorData)>, SampleError> {
    let mut inputs = Vec::with_capacity(arrays.len());
    for spec in &signature.inputs {
        let found = arrays.iter().position(|(name, _)| *name == spec.name);
        let Some(found) = found else {
            if spec.optional {
                continue;
            }
            return Err(SampleError::Missing {
                file: file.to_owned(),
                name: spec.name.clone(),
            });
        };
        let (name, array) = arrays.swap_remove(found);
        if array.dtype() != spec.dtype {
            return Err(SampleError::DType {
                file: file.to_owned(),
                name,
                found: array.dtype(),
                expected: spec.dtype,
            });
        }
        if !spec.admits(array.shape()) {
            return Err(SampleError::Shape {
                file: file.to_owned(),
                name,
                found: array.shape().clone(),
                expected: spec.dims_text(),
            });
        }
        inputs.push((name, array));
    }
    match arrays.into_iter().next() {
        Some((name, _)) => Err(SampleError::Unknown {
            file: file.to_owned(),
            name,
        }),
        None => Ok(inputs),
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::numpy::{write_npy, write_npz};
    use nav_package_format::{Dim, TensorSpec};

    use super::*;

    fn signature(names: &[&str]) -> Signature {
        let inputs = names.iter().map(|name| TensorSpec {
            name: (*name).to_owned(),
            dtype: DType::Uint8,
            dims: Some(vec![Dim::Unknown, Dim::Fixed(2)]),
            optional: false,
        });
        Signature {
            inputs: inputs.collect(),
            outputs: Vec::new(),
        }
    }

    fn array(dtype: DType, shape: [usize; 2]) -> TensorData {
        let bytes = vec![0; shape[0] * shape[1] * dtype.element_size().unwrap()];
        TensorData::new(dtype, Shape::from(shape), bytes).unwrap()
    }

    #[test]
    fn arrays_must_be_the_inputs_of_the_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let check = |arrays: &[(&str, TensorData)], expected: Result<usize, &str>| {
            let file = std::fs::File::create(&path).unwrap();
            let views = arrays.iter().map(|(name, array)| (*name, array.view()));
            write_npz(file, views).unwrap();
            let found = read_samples(&path, &signature(&["x", "y"]));
            let found = found.map(|samples| samples[0].inputs.len());
            let found = found.map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        let good = array(DType::Uint8, [3, 2]);
        check(&[("y", good.clone()), ("x", good.clone())], Ok(2));
        check(&[("x", good.clone())], Err("a.npz lacks input `y`"));
        check(
            &[
                ("x", good.clone()),
                ("y", good.clone()),
                ("z", good.clone()),
            ],
            Err("a.npz holds `z`, and the model has no such input"),
        );
        check(
            &[("x", array(DType::Fp32, [3, 2])), ("y", good.clone())],
            Err("a.npz holds `x` as FP32, expected UINT8"),
        );
        check(
            &[("x", array(DType::Uint8, [3, 1])), ("y", good)],
            Err("a.npz holds `x` of shape [3,1], expected [?,2]"),
        );
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names_and_a_lone_array_needs_a_lone_input() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            read_samples(folder.path(), &signature(&["x"])),
            Err(SampleError::NoFiles { .. })
        ));
        for (name, rows) in [("b.npy", 2), ("a.npy", 1)] {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            write_npy(file, array(DType::Uint8, [rows, 2]).view()).unwrap();
        }
        std::fs::write(folder.path().join("notes.txt"), "").unwrap();
        let samples = read_samples(folder.path(), &signature(&["x"])).unwrap();
        let names: Vec<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
        assert_eq!(names, ["a.npy", "b.npy"]);
        let error = read_samples(folder.path(), &signature(&["x", "y"])).unwrap_err();
        assert!(
            matches!(error, SampleError::Nameless { inputs: 2, .. }),
            "{error}"
        );
    }
}
