//! Conversions: what makes another model file of a model. One file each, listed in [`CONVERSIONS`].

mod onnx_exported;
mod onnx_optimized;
pub(crate) mod python;
mod tensorrt_engine;
mod torch_traced;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use nav_package_format::onnx::RewriteError;
use nav_package_format::{Device, Format, RunnerSettings, Signature};
use nav_runners::{Libraries, LoadError, ModelFile};
use nav_worker::confine::ConfineError;

use crate::plan::Extents;

pub use python::Python;
pub use torch_traced::{needs_tracing, trace};

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

    /// What the runner is told when it runs what was made, of a model whose open dimensions have these extents. It may say how that was
    /// made, too.
    fn settings(&self, runner: &str, extents: &BTreeMap<String, Extents>) -> RunnerSettings;

    /// Whether the runner would make the same of the untouched model each time it loads that, which is then not tried.
    fn replaces_untouched(&self) -> bool {
        false
    }

    /// Whether it is done by Python, which only a user who has one can name.
    fn needs_python(&self) -> bool {
        false
    }

    /// Makes the model file at a path where nothing is. Runs in a process of its own.
    fn convert(&self, job: &Job<'_>) -> Result<(), ConvertError>;
}

/// What a conversion works with.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The model.
    pub model: &'a ModelFile,
    /// Where the other file goes.
    pub to: &'a Path,
    /// Where vendor libraries are.
    pub libraries: &'a Libraries,
    /// Where what is made will run.
    pub device: Device,
    /// What the runner will be told.
    pub settings: &'a RunnerSettings,
    /// What the model takes and gives.
    pub signature: &'a Signature,
    /// Inputs to run it on: an `.npz` file.
    pub example: Option<&'a Path>,
    /// The Python that the user named.
    pub python: Option<&'a Python>,
}

/// Why no other model file was made.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The runner that should make it did not.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What the runner saved cannot be written again.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// There is no such runner.
    #[error("there is no runner {runner}, which would make it")]
    NoRunner {
        /// Its name.
        runner: &'static str,
    },
    /// No Python was named, or there are no inputs for it.
    #[error("no Python was named that could export it")]
    NoPython,
    /// Python cannot be kept from what is not its business, and so does not see the model.
    #[error(transparent)]
    Unconfined(#[from] ConfineError),
    /// Python failed.
    #[error("{} cannot export it: {reason}", python.display())]
    Python {
        /// Which Python.
        python: PathBuf,
        /// How it ended, and its last words.
        reason: String,
    },
}

/// Every conversion.
pub const CONVERSIONS: &[&dyn Conversion] = &[
    &onnx_optimized::OnnxOptimized,
    &onnx_exported::OnnxExported,
    &tensorrt_engine::FP32,
    &tensorrt_engine::TF32,
];

/// The conversions of models of a format that can be done, with or without Python.
pub(crate) fn of(
    format: Format,
    has_python: bool,
) -> impl Iterator<Item = &'static dyn Conversion> {
    let all = CONVERSIONS.iter().copied();
    all.filter(move |conversion| {
        conversion.from() == format && (has_python || !conversion.needs_python())
    })
}

/// The conversion of this name.
pub fn find(name: &str) -> Option<&'static dyn Conversion> {
    let mut all = CONVERSIONS.iter().copied();
    all.find(|conversion| conversion.name() == name)
}
