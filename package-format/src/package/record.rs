//! Records: one for each attempted step, with how it ended and all the numbers it gave.

use serde::{Deserialize, Serialize};

use super::measurement::Measurement;
use crate::{DType, Digest};

/// The step that makes a variant's files.
pub const CONVERSION: &str = "conversion";
/// The step that compares outputs with the original's.
pub const CORRECTNESS: &str = "correctness";
/// The step that measures.
pub const PERFORMANCE: &str = "performance";
/// The step that measures through the server's own batching.
pub const SERVING: &str = "serving";

/// One attempted step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was attempted: `conversion`, `correctness`, `performance`, `serving`.
    pub step: String,
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// The digest of all that the step depended on. A step of equal inputs need not be repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Digest>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<f64>,
    /// The most memory that its process held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// The most memory of GPUs that its process held, where the driver tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_device_memory_bytes: Option<u64>,
    /// How far each output was from the original's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// What was measured, in the order of measuring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<Measurement>,
    /// The arguments of the command that does it again, beginning with the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replay: Vec<String>,
}

impl Record {
    /// A record that says no more than how a step ended.
    pub fn new(step: &str, variant: &str, runner: &str, outcome: Outcome) -> Self {
        Self {
            step: step.to_owned(),
            variant: variant.to_owned(),
            runner: runner.to_owned(),
            inputs: None,
            outcome,
            reason: None,
            took_ms: None,
            peak_memory_bytes: None,
            peak_device_memory_bytes: None,
            comparisons: Vec::new(),
            measurements: Vec::new(),
            replay: Vec::new(),
        }
    }

    /// Whether it is of this variant on this runner.
    pub fn is_of(&self, variant: &str, runner: &str) -> bool {
        self.variant == variant && self.runner == runner
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Well.
    Ok,
    /// Badly.
    Failed,
    /// It was not attempted, because something before it did not end well or it was not worth it.
    Skipped,
}

/// How far an output was from the original's, over all that was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The output.
    pub output: String,
    /// The type of its elements.
    pub dtype: DType,
    /// How far it may be.
    pub tolerance: Tolerance,
    /// The largest absolute difference; none where no difference can be told.
    pub largest_absolute: Option<f64>,
    /// The largest difference relative to the original; none where no difference can be told.
    pub largest_relative: Option<f64>,
    /// Whether it kept to the tolerance everywhere.
    pub within: bool,
    /// Where it was farthest off, and what was compared there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<String>,
}

/// How far an output may be from the original's: each element within `absolute + relative * |original|`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// What it is called, or where it was set.
    pub name: String,
    /// The absolute part.
    pub absolute: f64,
    /// The relative part.
    pub relative: f64,
}
