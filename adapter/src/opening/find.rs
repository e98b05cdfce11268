//! What whoever opens models must know to do: a runner for a file, and for a package.

use std::error::Error;
use std::fmt::Debug;
use std::path::Path;

use nav_package_format::Device;
use nav_runners::RunnerHandle;
use nav_worker::packaged::Prepared;

/// Finds runners for models, as far as they may be loaded.
pub trait FindModels: Debug + Send + Sync {
    /// A runner for a model file, not activated yet.
    fn file(&self, wish: &FileWish<'_>) -> Result<RunnerHandle, Box<dyn Error + Send + Sync>>;

    /// What a package is to be run as.
    fn package(&self, path: &Path) -> Result<Prepared, Box<dyn Error + Send + Sync>>;
}

/// A model file, and what is asked of its runner.
#[derive(Clone, Copy, Debug)]
pub struct FileWish<'a> {
    /// The file.
    pub path: &'a Path,
    /// The runner, instead of the best that is ready.
    pub runner: Option<&'a str>,
    /// Where it is to run.
    pub device: Option<Device>,
    /// How many threads share the work of one operator.
    pub threads: Option<usize>,
}
