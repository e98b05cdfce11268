//! What parent and child say to each other: one JSON text a line, of limited length.

use std::path::PathBuf;

use nav_package_format::DType;
use nav_package_format::package::Tolerance;
use serde::{Deserialize, Serialize};

use super::memory::Peak;
use crate::check::Difference;

/// The most bytes of a line.
pub const LONGEST_LINE: usize = 4 << 20;

/// What a parent asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Do the step's conversion.
    Convert,
    /// Load the model and open the sessions.
    Load,
    /// Run a case twice and keep the outputs, which others are compared with.
    Reference {
        /// The inputs.
        inputs: PathBuf,
        /// Where the outputs go; nowhere, if they are only looked at.
        outputs: Option<PathBuf>,
    },
    /// Run a case twice and compare.
    Check {
        /// The inputs.
        inputs: PathBuf,
        /// What is right.
        expected: PathBuf,
    },
    /// Run over and over.
    Measure {
        /// The inputs.
        inputs: PathBuf,
        /// For how long before anything counts.
        warm_up_us: u64,
        /// For how long.
        length_us: u64,
    },
}

/// A child's answer to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The answer.
    pub answer: Answer,
    /// The most memory that the process has held so far.
    #[serde(flatten)]
    pub peak: Peak,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The conversion is done, or the model is loaded.
    Done,
    /// A case was run.
    Checked(Report),
    /// The latency of each run, in nanoseconds.
    Measured(Vec<u64>),
    /// It did not work.
    Failed(String),
}

/// What became of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Each output.
    pub outputs: Vec<OutputReport>,
    /// What is wrong with the outputs as a whole, or with the first that is wrong.
    pub fault: Option<Fault>,
}

/// What became of an output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputReport {
    /// Its name.
    pub output: String,
    /// The type of its elements.
    pub dtype: DType,
    /// How far it may be off.
    pub tolerance: Tolerance,
    /// How far it is.
    pub difference: Difference,
}

/// What is wrong with an output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The check that found it.
    pub check: String,
    /// The output.
    pub output: String,
    /// What is wrong.
    pub text: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "output `{}`: {}", self.output, self.text)
    }
}
