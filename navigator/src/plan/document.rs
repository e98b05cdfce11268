//! The plan as a document: what `--dry-run` prints and what a run follows.

use std::collections::BTreeMap;
use std::time::Duration;

use nav_package_format::{Digest, Format, Signature};
use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::cases::Case;
use super::extents::Extents;
use super::waves::Wave;
use crate::convert::Python;
use crate::optimize::{DimRange, Goal, ToleranceRule};

/// What will be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this layout, [`Plan::SCHEMA`].
    pub schema: u32,
    /// The digest of all files of the model.
    pub model: Digest,
    /// The kind of model.
    pub format: Format,
    /// What it takes and gives.
    pub signature: Signature,
    /// The axis along which it is batched.
    pub batch_axis: Option<usize>,
    /// The ranges of its other open dimensions.
    pub dims: BTreeMap<String, DimRange>,
    /// What engines are built for: the extents of all open dimensions, as far as they are known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extents: BTreeMap<String, Extents>,
    /// The ways to run it that are tried first, in order of preference.
    pub candidates: Vec<Candidate>,
    /// What is tried on top of those that lead.
    pub waves: Vec<Wave>,
    /// What outputs are compared on before anything is measured.
    pub cases: Vec<Case>,
    /// Which batches are measured.
    pub batches: Batches,
    /// What is chosen by.
    pub goals: Vec<Goal>,
    /// Tolerances in place of the default ones.
    pub tolerances: Vec<ToleranceRule>,
    /// Where generated samples start from.
    pub seed: u64,
    /// The samples that the user gave, by name.
    pub samples: Vec<String>,
    /// How long the whole may take.
    pub time_budget: Duration,
    /// How long a step may take.
    pub step_limit: Duration,
    /// The most memory that the process of a step may hold.
    pub memory_limit: u64,
    /// Whether the user said so; otherwise it depends on what happened to be free.
    pub is_memory_limit_given: bool,
    /// How far the true median may be from the one found.
    pub uncertainty: f64,
    /// The Python whose `PyTorch` exports models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Python>,
    /// Runners that cannot be tried here.
    pub unavailable: Vec<Unavailable>,
}

/// Which batches are measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batches {
    /// Those that every candidate is measured at; none is a model without a batch axis.
    pub first: Vec<Option<usize>>,
    /// Those that the leaders are measured at, in this order.
    pub all: Vec<Option<usize>>,
    /// Whether measuring stops where batches bring nothing any more.
    pub growing: bool,
}

/// A runner that cannot be tried here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The runner.
    pub runner: String,
    /// Why not.
    pub reason: String,
    /// What mends it.
    pub how_to_get_it: String,
}

impl Plan {
    /// The version of the layout that this program writes.
    pub const SCHEMA: u32 = 1;

    /// The case of a batch, with all other dimensions at their largest: what is measured.
    pub fn case_of_batch(&self, batch: Option<usize>) -> Case {
        Case::of_batch(batch, &self.dims, self.samples.len())
    }
}
