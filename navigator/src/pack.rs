//! Packs what an optimization came to: the last thing that is done, in one go, so that there is either the whole
//! package or none.

use std::path::{Path, PathBuf};

use nav_package_format::Format;
use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::onnx::{self, RewriteError, Weight};
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

/// What a model that shares weights finds the untouched one under.
const ORIGINAL: &str = "original.onnx";

/// Why a package cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The package cannot be written.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The weights of a model cannot be shared.
    #[error(transparent)]
    Share(#[from] RewriteError),
}

/// The step that samples are packed for.
const KIND: &str = "correctness";

/// Writes the package to this path, whole or not at all. `seen` is told the bytes of each file written so far.
pub fn pack(optimized: &Optimized, to: &Path, seen: &mut dyn FnMut(u64)) -> Result<(), PackError> {
    let mut writer = PackageWriter::create(to)?;
    let mut original = optimized.files.first().map(Original::of);
    let mut packed: Vec<Vec<VariantFile>> = Vec::new();
    for (number, files) in optimized.files.iter().enumerate() {
        let rewritten = optimized.workspace.path().join(format!("shared-{number}"));
        let shared = match &mut original {
            Some(original) if number > 0 => original.share_with(files, &rewritten)?,
            _ => None,
        };
        let files = shared.as_ref().unwrap_or(files);
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
    })?;
    Ok(())
}

/// The untouched model, whose weights other models may refer to.
struct Original<'a> {
    files: &'a ModelFiles,
    weights: Option<Vec<Weight>>,
}

impl<'a> Original<'a> {
    const fn of(files: &'a ModelFiles) -> Self {
        Self {
            files,
            weights: None,
        }
    }

    /// The same model without the weights that the original has bit by bit, written to this path; none if it has
    /// none of them.
    fn share_with(
        &mut self,
        model: &ModelFiles,
        to: &Path,
    ) -> Result<Option<ModelFiles>, PackError> {
        let is_onnx = |files: &ModelFiles| files.format == Format::Onnx;
        if !is_onnx(self.files) || !is_onnx(model) || !model.others.is_empty() {
            return Ok(None);
        }
        let weights = match &self.weights {
            Some(weights) => weights,
            None => self.weights.insert(onnx::weights_of(&self.files.path)?),
        };
        // An earlier run may have been killed here.
        drop(std::fs::remove_file(to));
        if onnx::share_weights(&model.path, weights, ORIGINAL, to)?.is_none() {
            return Ok(None);
        }
        let own = (ORIGINAL.to_owned(), self.files.path.clone());
        let others = self.files.others.iter().cloned();
        Ok(Some(ModelFiles {
            folder: model.folder.clone(),
            format: model.format,
            path: to.to_owned(),
            others: std::iter::once(own).chain(others).collect(),
        }))
    }
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
