//! Whether the model may be loaded: one that holds native code only if this machine made it, a trusted key signed it, or
//! the user says so.

use anyhow::Context;
use nav_navigator::optimize::ModelSource;
use nav_navigator::pack::ModelFiles;
use nav_package_format::trust::BuiltHere;
use nav_package_format::{Digest, Format, TrustClass, file};

use super::OptimizeArgs;
use crate::settings::Settings;

/// Asks before a runtime sees the model.
pub(super) fn admit(
    args: &OptimizeArgs,
    source: &ModelSource,
    settings: &Settings,
) -> anyhow::Result<()> {
    let inspection = &source.inspection;
    // An ONNX file may need code that it does not hold, which is loaded nowhere here.
    let trust = inspection.format.trust_class();
    admit_file(args, (trust, inspection.file.sha256), settings)
}

/// Asks for a file of this kind and digest. What the user vouches for is put on record first, and so holds for the package
/// that is made of it too.
pub(super) fn admit_file(
    args: &OptimizeArgs,
    (trust, digest): (TrustClass, Digest),
    settings: &Settings,
) -> anyhow::Result<()> {
    if trust == TrustClass::DataOnly {
        return Ok(());
    }
    if args.built_here {
        record(digest, settings)?;
    }
    // A package was signed as a whole.
    let (open, _) = file::open(&args.model)?;
    let gate = crate::trust::gate(&args.trust, settings, (&args.model, &open))?;
    gate.admit(trust, &[digest])?;
    Ok(())
}

/// Puts the engines that were built on the record of what this machine built, so that they are loaded here from the package that holds
/// them. What they were built of was admitted.
pub(super) fn record_engines(files: &[ModelFiles], settings: &Settings) -> anyhow::Result<()> {
    for engine in files.iter().filter(|one| one.format == Format::TensorRt) {
        let failed = || format!("cannot read {}", engine.path.display());
        let open = std::fs::File::open(&engine.path).with_context(failed)?;
        let digest = Digest::of_reader(open, |_| {}).with_context(failed)?;
        record(digest, settings)?;
    }
    Ok(())
}

/// Puts a file on the record of what this machine built.
pub(super) fn record(digest: Digest, settings: &Settings) -> anyhow::Result<()> {
    let folder = settings.built_here();
    let folder = folder.context("there is no folder for caches: name one with --cache-folder")?;
    let failed = || format!("cannot create {}", folder.display());
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).with_context(failed)?;
    }
    BuiltHere::open(&folder)?.record(&digest)?;
    Ok(())
}
