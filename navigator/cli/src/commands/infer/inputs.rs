//! The inputs of a run: read from files where given, generated otherwise.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use nav_navigator::samples::{DimensionValues, Dimensions, generate};
use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::{Signature, TensorData};
use nav_runners::InputError;

use crate::exit::UsageError;

/// How inputs that are not given are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generation<'args> {
    /// Extents of symbolic dimensions.
    pub(super) dims: &'args [String],
    /// Where generated data starts from.
    pub(super) seed: u64,
}

/// All inputs of the signature, in its order, and whatever else was given: the runner refuses it by name.
pub(super) fn gather(
    given: &[String],
    signature: &Signature,
    bounds: &BTreeMap<String, u64>,
    generation: Generation<'_>,
) -> anyhow::Result<Vec<(String, TensorData)>> {
    let mut tensors = read_all(given)?;
    let values = DimensionValues::parse(generation.dims.iter().map(String::as_str))?;
    let dimensions = Dimensions::of(signature, &values)?;
    for spec in &signature.inputs {
        if spec.optional || tensors.iter().any(|(name, _)| *name == spec.name) {
            continue;
        }
        let shape = dimensions.shape_of(spec)?;
        let bound = bounds.get(&spec.name).copied();
        tensors.push((
            spec.name.clone(),
            generate(spec, &shape, bound, generation.seed)?,
        ));
    }
    Ok(tensors)
}

fn read_all(given: &[String]) -> anyhow::Result<Vec<(String, TensorData)>> {
    let mut tensors: Vec<(String, TensorData)> = Vec::new();
    for text in given {
        for (name, tensor) in read(text)? {
            if tensors.iter().any(|(known, _)| *known == name) {
                return Err(InputError::Duplicate { name }).context("wrong --input");
            }
            tensors.push((name, tensor));
        }
    }
    Ok(tensors)
}

/// `NAME=FILE.npy`, or `FILE.npz`. Names may hold `=`; the file that exists decides.
fn read(text: &str) -> anyhow::Result<Vec<(String, TensorData)>> {
    let named = text.rsplit_once('=').filter(|_| !Path::new(text).exists());
    let path = named.map_or(text, |(_, path)| path);
    match (named, read_file(Path::new(path), &Limits::default())?) {
        (Some((name, _)), NumpyFile::One(tensor)) => Ok(vec![(name.to_owned(), tensor)]),
        (None, NumpyFile::Many(tensors)) => Ok(tensors),
        (None, NumpyFile::One(_)) => Err(UsageError(format!(
            "{path} holds one array; say which input it is: NAME={path}"
        ))
        .into()),
        (Some((name, _)), NumpyFile::Many(_)) => {
            let text = format!("{path} holds arrays by name; give it without `{name}=`");
            Err(UsageError(text).into())
        }
    }
}
