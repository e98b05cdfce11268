//! Measuring a choice as a server runs it: what is measured, and who does it.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use nav_package_format::package::{Measurement, Serving};
use nav_runners::{LoadOptions, ModelFile};
use serde::{Deserialize, Serialize};

/// A variant to be measured as it will be served: plain data, so that a process of its own can do it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServingTrial {
    /// The runner.
    pub runner: String,
    /// The model file.
    pub model: ModelFile,
    /// How it is loaded.
    pub options: LoadOptions,
    /// How it is served.
    pub serving: Serving,
    /// The inputs of a request, of one row where there is a batch axis: an `.npz` file.
    pub inputs: PathBuf,
    /// How long to measure at most; less, if it is sure before.
    pub budget: Duration,
}

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served {
    /// What was measured.
    pub measurement: Measurement,
    /// How long measuring took, without what it took to get ready.
    pub took: Duration,
}

/// Measures variants through the server's own engine and batching. The server is not known here: whoever knows
/// it hands this in.
pub trait ServingMeasurer: Debug {
    /// What is measured of each; the reason, where nothing could be.
    fn measure(&self, trials: &[ServingTrial]) -> Vec<Result<Served, String>>;
}
