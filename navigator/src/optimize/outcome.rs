//! What an optimization comes to: all that a manifest says, and where the files are that it speaks of.

use nav_package_format::package::manifest::{Model, Provenance};
use nav_package_format::package::{Choice, Decision, Evaluation, Record, Serving, Variant};

use super::timeline::Phase;
use crate::pack::{ModelFiles, SampleFiles};
use crate::plan::Plan;
use crate::workspace::Workspace;

/// The outcome of an optimization.
#[derive(Debug)]
pub struct Optimized {
    /// What was planned.
    pub plan: Plan,
    /// The model. Its files get their names when they are packed, as those of the variants do.
    pub model: Model,
    /// Every way to run it that was tried, the untouched model first.
    pub variants: Vec<Variant>,
    /// What was attempted.
    pub records: Vec<Record>,
    /// What each strategy chose: those that were asked for first, in their order.
    pub decisions: Vec<Decision>,
    /// The choice of the first strategy that was asked for and that chose.
    pub choice: Option<Choice>,
    /// How a server should run the choice.
    pub serving: Option<Serving>,
    /// What made all this, and where.
    pub provenance: Provenance,
    /// The model files, the model itself first.
    pub files: Vec<ModelFiles>,
    /// For each variant, which of the files it runs; none where it could not be made.
    pub files_of: Vec<Option<usize>>,
    /// Inputs and right outputs.
    pub samples: Vec<SampleFiles>,
    /// Where the time went.
    pub phases: Vec<Phase>,
    /// The folder with those of them that were made here. Remove it when they are packed.
    pub workspace: Workspace,
}

impl Optimized {
    /// What became of each variant, in their order.
    pub fn evaluations(&self) -> Vec<Evaluation> {
        let variants = self.variants.iter();
        variants
            .map(|variant| Evaluation::of(variant, &self.records))
            .collect()
    }

    /// Whether a step failed, so that someone may want to do it again.
    pub fn has_failures(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| record.outcome == nav_package_format::package::Outcome::Failed)
    }
}
