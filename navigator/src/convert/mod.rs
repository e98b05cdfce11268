//! Conversions: what makes another model file of a model. One file each, listed in [`CONVERSIONS`].

mod onnx_optimized;

use std::fmt::Debug;
use std::path::Path;

use nav_package_format::{Format, RunnerSettings};
use nav_runners::{Libraries, LoadError, ModelFile};

/// A way to make another model file.
pub trait Conversion: Debug + Sync {
    /// What the variant is called.
    fn name(&self) -> &'static str;

    /// The kind of model it starts from.
    fn from(&self) -> Format;

    /// The kind of model it makes.
    fn to(&self) -> Format;

    /// Whether what it makes is meant for this runner.
    fn runs_on(&self, runner: &str) -> bool;

    /// What the runner is told when it runs what was made.
    fn settings(&self) -> RunnerSettings;

    /// Makes the model file at a path where nothing is. Runs in a process of its own.
    fn convert(&self, model: &ModelFile, to: &Path, libraries: &Libraries)
    -> Result<(), LoadError>;
}

/// Every conversion.
pub const CONVERSIONS: &[&dyn Conversion] = &[&onnx_optimized::OnnxOptimized];

/// The conversion of this name.
pub fn find(name: &str) -> Option<&'static dyn Conversion> {
    let mut all = CONVERSIONS.iter().copied();
    all.find(|conversion| conversion.name() == name)
}
