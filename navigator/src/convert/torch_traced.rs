//! Models that only Python can load, traced to TorchScript: an exported program (`.pt2`), or a script that makes an `nn.Module`.

use std::path::{Path, PathBuf};

use nav_package_format::TensorSpec;
use serde::Serialize;

use super::{ConvertError, Python, python};

/// What Python runs.
const SCRIPT: &str = include_str!("python/trace.py");

/// The ends of names of files that only Python can load.
const EXTENSIONS: &[&str] = &["pt2", "py"];

#[derive(Serialize)]
struct Wanted<'a> {
    model: &'a Path,
    to: PathBuf,
    example: &'a Path,
    inputs: Vec<&'a str>,
}

/// Whether only Python can load this, by its name.
pub fn needs_tracing(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// Traces the model with the inputs of an `.npz` file and writes TorchScript. This runs code of the file.
pub fn trace(
    model: &Path,
    to: &Path,
    (inputs, example): (&[TensorSpec], &Path),
    python: &Python,
) -> Result<(), ConvertError> {
    let task = python::Task {
        script: SCRIPT,
        reads: &[model, example],
        to,
    };
    python.run(&task, |to| Wanted {
        model,
        to: to.to_owned(),
        example,
        inputs: inputs.iter().map(|spec| spec.name.as_str()).collect(),
    })
}
