//! Whether the model may be loaded: one that holds native code only if this machine made it, a trusted key signed it, or
//! the user says so.

use anyhow::Context;
use nav_navigator::optimize::ModelSource;
use nav_package_format::trust::BuiltHere;
use nav_package_format::{TrustClass, file};

use super::OptimizeArgs;
use crate::settings::Settings;
use crate::trust;

/// Asks before a runtime sees the model. What the user vouches for is put on record first, and so holds for the package
/// that is made of it too.
pub(super) fn admit(
    args: &OptimizeArgs,
    source: &ModelSource,
    settings: &Settings,
) -> anyhow::Result<()> {
    let trust_class = source.inspection.trust;
    if trust_class == TrustClass::DataOnly {
        return Ok(());
    }
    let digest = source.inspection.file.sha256;
    if args.built_here {
        let folder = settings.built_here();
        let folder =
            folder.context("there is no folder for caches: name one with --cache-folder")?;
        let failed = || format!("cannot create {}", folder.display());
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent).with_context(failed)?;
        }
        BuiltHere::open(&folder)?.record(&digest)?;
    }
    // A package was signed as a whole.
    let (open, _) = file::open(&args.model)?;
    let gate = trust::gate(&args.trust, settings, (&args.model, &open))?;
    gate.admit(trust_class, &[digest])?;
    Ok(())
}
