//! A model that only Python can load, traced to TorchScript before anything else: the user's Python does it, in a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use nav_navigator::convert::{needs_tracing, trace};
use nav_navigator::declare::write_example;
use nav_navigator::optimize::Settings as Wanted;
use nav_package_format::{Digest, TrustClass};
use tempfile::TempDir;

use super::{OptimizeArgs, admission};
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::settings::Settings;

/// The model as TorchScript.
pub(super) struct Traced {
    /// Its file.
    pub(super) model: PathBuf,
    _folder: TempDir,
}

/// Traces the model; nothing for one that needs no Python. It runs its code, so it must be admitted, and what comes of it was built here.
pub(super) fn traced(
    args: &OptimizeArgs,
    wanted: &Wanted,
    (settings, printer): (&Settings, Printer),
) -> anyhow::Result<Option<Traced>> {
    if !needs_tracing(&args.model) {
        return Ok(None);
    }
    let Some(python) = &wanted.python else {
        let text = "only Python can load this model: name one that has PyTorch with --python";
        return Err(UsageError(text.to_owned()).into());
    };
    let digest = digest(&args.model)?;
    admission::admit_file(args, (TrustClass::NativeCode, digest), settings)?;
    let folder = tempfile::tempdir()?;
    let example = folder.path().join("example.npz");
    let inputs = write_example(wanted, &example)?;
    let stem = args.model.file_stem().unwrap_or_default();
    let model = folder.path().join(stem).with_extension("pt");
    printer.note(&format!(
        "{} traces {}{}",
        python.program.display(),
        args.model.display(),
        if python.unconfined {
            ", unconfined"
        } else {
            ""
        }
    ));
    let path = std::path::absolute(&args.model)?;
    trace(&path, &model, (&inputs, &example), python)?;
    admission::record(self::digest(&model)?, settings)?;
    Ok(Some(Traced {
        model,
        _folder: folder,
    }))
}

fn digest(path: &Path) -> anyhow::Result<Digest> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    Digest::of_reader(&mut file, |_| {}).with_context(failed)
}
