//! A package to be optimized again: its untouched model and its samples, unpacked for the time that takes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nav_adapter::opening::is_package;
use nav_package_format::archive::Limits;
use nav_package_format::cache::Cache;
use nav_package_format::numpy::{self, write_npz};
use nav_package_format::package::record::CORRECTNESS;
use nav_package_format::package::{Origin, Package};
use nav_package_format::{Format, TensorSpec};
use tempfile::TempDir;

use super::OptimizeArgs;
use crate::exit::UsageError;

/// What was unpacked.
pub(super) struct Unpacked {
    /// The untouched model.
    pub(super) model: PathBuf,
    /// The folder of its samples, if the package has some that are whole.
    pub(super) samples: Option<PathBuf>,
    /// What the model takes, where its file does not say that.
    pub(super) inputs: Vec<TensorSpec>,
    _folder: TempDir,
}

/// Unpacks what is needed of a package; nothing for a model file.
pub(super) fn unpack(args: &OptimizeArgs) -> anyhow::Result<Option<Unpacked>> {
    if !is_package(&args.model) {
        return Ok(None);
    }
    // Whoever forgot it should know before the work, not after.
    output(args)?;
    let package = Package::open(&args.model, &Limits::default())?;
    let folder = tempfile::tempdir()?;
    let cache = Cache::open(&folder.path().join("model"))?;
    let extracted = package.original_path(&cache, &mut |_| {})?;
    let model = extracted.with_file_name(file_name(&package, &extracted));
    std::fs::rename(&extracted, &model)
        .with_context(|| format!("cannot move {}", extracted.display()))?;
    Ok(Some(Unpacked {
        samples: samples(&package, &folder)?,
        inputs: inputs(&package),
        model,
        _folder: folder,
    }))
}

/// Where the new package goes: the user says, as the old one is not to be replaced by accident.
pub(super) fn output(args: &OptimizeArgs) -> Result<PathBuf, UsageError> {
    let text = "say with --output where the new package goes";
    let output = args.output.clone();
    output.ok_or_else(|| UsageError(text.to_owned()))
}

/// The name of the model, which the new package is to have too, as the name of its file.
fn file_name(package: &Package, extracted: &Path) -> PathBuf {
    let name = &package.manifest().model.name;
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    let usable = !name.is_empty() && !name.starts_with('.') && name.chars().all(is_plain);
    let stem = if usable { name } else { "model" };
    let mut file = PathBuf::from(format!("{stem}.x"));
    file.set_extension(extracted.extension().unwrap_or_default());
    file
}

fn inputs(package: &Package) -> Vec<TensorSpec> {
    let model = &package.manifest().model;
    let format = Format::ALL.iter().find(|it| it.name() == model.format);
    if format.is_none_or(|format| format.says_signature()) {
        return Vec::new();
    }
    model.signature.inputs.clone()
}

/// The samples as files. Those of Model Navigator lack their batch axis, and are left.
fn samples(package: &Package, folder: &TempDir) -> anyhow::Result<Option<PathBuf>> {
    if !matches!(package.origin(), Origin::Nav { .. }) {
        return Ok(None);
    }
    let samples = package.samples(CORRECTNESS, &numpy::Limits::default())?;
    if samples.is_empty() {
        return Ok(None);
    }
    let place = folder.path().join("samples");
    std::fs::create_dir(&place)?;
    for (number, tensors) in samples {
        let views = tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.view()));
        let file = File::create_new(place.join(format!("{number:06}.npz")))?;
        write_npz(std::io::BufWriter::new(file), views)?.flush()?;
    }
    Ok(Some(place))
}
