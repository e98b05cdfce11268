//! What an optimization comes to: all that a manifest says, and where the files are that it speaks of.

use std::path::PathBuf;

use nav_package_format::package::manifest::{Model, Provenance};
use nav_package_format::package::{Choice, Decision, Evaluation, Record, Serving, Variant};

use crate::plan::Plan;
use crate::workspace::Workspace;

/// The outcome of an optimization.
#[derive(Debug)]
pub struct Optimized {
    /// What was planned.
    pub plan: Plan,
    /// The model.
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
    /// The files that model and variants name, and where they are now.
    pub contents: Vec<Content>,
    /// The folder with those of them that were made here. Remove it when they are packed.
    pub workspace: Workspace,
}

/// A file of the package to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its name in the package.
    pub entry: String,
    /// Where it is.
    pub path: PathBuf,
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
