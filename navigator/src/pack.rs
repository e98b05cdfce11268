//! Packs what an optimization came to: the last thing that is done, in one go, so that there is either the whole
//! package or none.

use std::path::{Path, PathBuf};

use nav_package_format::Format;
use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::package::manifest::CURRENT;
use nav_package_format::package::{
    Manifest, PackageError, PackageWriter, PackedModel, VariantFile,
};

use crate::optimize::Optimized;

/// A model file that a variant, or several, run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFiles {
    /// The folder of the package that it goes to.
    pub folder: String,
    /// The kind of its file.
    pub format: Format,
    /// Where it is now.
    pub path: PathBuf,
    /// What it refers to: the paths that it finds them under, and where they are now.
    pub others: Vec<(String, PathBuf)>,
}

/// Inputs that outputs were compared on, and what is right for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFiles {
    /// An `.npz` file of inputs.
    pub inputs: PathBuf,
    /// An `.npz` file of outputs.
    pub outputs: PathBuf,
}

/// The step that samples are packed for.
const KIND: &str = "correctness";

/// Writes the package to this path, whole or not at all. `seen` is told the bytes of each file written so far.
pub fn pack(
    optimized: &Optimized,
    to: &Path,
    seen: &mut dyn FnMut(u64),
) -> Result<(), PackageError> {
    let mut writer = PackageWriter::create(to)?;
    let mut packed: Vec<Vec<VariantFile>> = Vec::new();
    for files in &optimized.files {
        let model = PackedModel {
            format: files.format,
            path: &files.path,
            others: &files.others,
        };
        packed.push(writer.add_model(&files.folder, &model, seen)?);
    }
    for (number, sample) in optimized.samples.iter().enumerate() {
        add_sample(
            &mut writer,
            &format!("model_input/{KIND}/{number}.npz"),
            &sample.inputs,
        )?;
        add_sample(
            &mut writer,
            &format!("model_output/{KIND}/{number}.npz"),
            &sample.outputs,
        )?;
    }
    let files_of = |place: usize| packed.get(place).cloned().unwrap_or_default();
    let mut model = optimized.model.clone();
    model.files = files_of(0);
    let mut variants = optimized.variants.clone();
    for (variant, place) in variants.iter_mut().zip(&optimized.files_of) {
        variant.files = place.map(files_of).unwrap_or_default();
    }
    writer.finish(Manifest {
        format: CURRENT,
        model,
        variants,
        records: optimized.records.clone(),
        decisions: optimized.decisions.clone(),
        serving: optimized.serving.clone(),
        provenance: optimized.provenance.clone(),
        files: Vec::new(),
    })
}

fn add_sample(writer: &mut PackageWriter, name: &str, path: &Path) -> Result<(), PackageError> {
    let read = read_file(path, &Limits::default()).map_err(|source| PackageError::Samples {
        entry: name.to_owned(),
        source,
    })?;
    let tensors = match read {
        NumpyFile::Many(tensors) => tensors,
        NumpyFile::One(_) => Vec::new(),
    };
    let views = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.view()));
    writer.add_tensors(name, views)
}
