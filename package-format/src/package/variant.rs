//! Variants: a way to run the model, with all it takes to run it the same way again.

use serde::{Deserialize, Serialize};

use crate::{Device, Digest, Format, RunnerSettings};

/// A way to run the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// What it is called. With the runner, it is one of a kind in its package.
    pub name: String,
    /// The kind of its model file, as written: a package may name one that is not known here.
    pub format: String,
    /// The runner.
    pub runner: String,
    /// Where it runs.
    #[serde(default)]
    pub device: Device,
    /// What the runner is told.
    #[serde(default)]
    pub settings: RunnerSettings,
    /// How many sessions run side by side over the same weights.
    #[serde(default = "one")]
    pub instances: usize,
    /// Its files. The first one is the model, the others are what it refers to. None where the model could
    /// not be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<VariantFile>,
    /// What it was built for, where it runs nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built_for: Option<BuiltFor>,
}

/// A file of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantFile {
    /// The path that the model must find it under.
    pub name: String,
    /// The file of the package that has its content. Variants that need the same content share it.
    pub entry: String,
}

/// The machine that an engine was built for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuiltFor {
    /// The device's product name.
    pub device: String,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
    /// The version of the driver.
    pub driver: String,
    /// The version of the runtime that built it.
    pub runtime: String,
    /// The version of CUDA.
    pub cuda: String,
    /// The digest of the model that it was built from.
    pub source: Digest,
}

const fn one() -> usize {
    1
}

impl Variant {
    /// The one of this name on this runner.
    pub fn find<'a>(variants: &'a [Self], name: &str, runner: &str) -> Option<&'a Self> {
        variants
            .iter()
            .find(|variant| variant.name == name && variant.runner == runner)
    }

    /// The kind of its model file, if it is known here.
    pub fn known_format(&self) -> Option<Format> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == self.format)
    }

    /// The file of the package that is its model.
    pub fn model_entry(&self) -> Option<&str> {
        self.files.first().map(|file| file.entry.as_str())
    }

    /// How many threads compute when all instances are busy, if the settings say it.
    pub fn threads(&self) -> Option<usize> {
        let each = self.settings.intra_threads?;
        Some(each.saturating_mul(self.instances))
    }
}
