//! The step file: everything that a step needs, by absolute path, so that it can be done again alone.

use std::path::{Path, PathBuf};

use nav_package_format::Signature;
use nav_runners::{LoadOptions, ModelFile};
use serde::{Deserialize, Serialize};

use crate::check::Tolerances;
use crate::convert::Python;

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepFile {
    /// The version of this layout, [`StepFile::SCHEMA`].
    pub schema: u32,
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// The model file.
    pub model: ModelFile,
    /// How it is loaded.
    pub options: LoadOptions,
    /// How many sessions run side by side.
    pub instances: usize,
    /// The conversion that makes the model file, where it is not the model that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionStep>,
    /// What the model takes and gives.
    pub signature: Signature,
    /// How far outputs may be off.
    pub tolerances: Tolerances,
    /// The most memory that the process may hold.
    pub memory_limit: u64,
    /// What outputs are compared on.
    pub cases: Vec<StepCase>,
}

/// A conversion to do first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionStep {
    /// Its name.
    pub name: String,
    /// What it starts from.
    pub from: ModelFile,
    /// The Python that does it, where one is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
}

/// A run whose outputs are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCase {
    /// What it is called.
    pub name: String,
    /// The inputs: an `.npz` file.
    pub inputs: PathBuf,
    /// The outputs of the reference: an `.npz` file. None for the reference itself.
    pub expected: Option<PathBuf>,
}

/// Why a step file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StepFileError {
    /// It cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is no step file.
    #[error("{path} is no step file", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// It is of another version of this program.
    #[error("{path} is a step file of version {found}, and this program reads {read}", path = .path.display(), read = StepFile::SCHEMA)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

impl StepFile {
    /// The version of the layout that this program reads and writes.
    pub const SCHEMA: u32 = 1;

    /// Reads a step file.
    pub fn read(path: &Path) -> Result<Self, StepFileError> {
        let path_buf = || path.to_owned();
        let text = std::fs::read(path).map_err(|source| StepFileError::Read {
            path: path_buf(),
            source,
        })?;
        let malformed = |source| StepFileError::Malformed {
            path: path_buf(),
            source,
        };
        let head: Head = serde_json::from_slice(&text).map_err(malformed)?;
        if head.schema != Self::SCHEMA {
            return Err(StepFileError::Version {
                path: path_buf(),
                found: head.schema,
            });
        }
        serde_json::from_slice(&text).map_err(malformed)
    }
}

#[derive(Deserialize)]
struct Head {
    schema: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_version_or_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("step.json");
        let check = |text: &str, expected: &str| {
            std::fs::write(&path, text).unwrap();
            let error = StepFile::read(&path).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        };
        check(
            "{\"schema\":2}",
            "is a step file of version 2, and this program reads 1",
        );
        check("{\"schema\":1}", "is no step file");
        check("PK", "is no step file");
    }
}
