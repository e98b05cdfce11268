//! What an optimization tells while it goes on: typed, in order, for whoever shows it.

use std::time::Duration;

use nav_package_format::package::{Measurement, Record};
use serde::Serialize;

use crate::plan::Plan;

/// Someone who is told what goes on.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &Event);
}

/// Nobody listens.
impl Observer for () {
    fn event(&mut self, _event: &Event) {}
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The plan is made.
    Planned(Box<Plan>),
    /// A part of the work begins.
    Stage(Stage),
    /// It is known whose outputs are right.
    Reference {
        /// The variant.
        variant: String,
        /// The runner.
        runner: String,
        /// Whether it is the one that was to be it.
        is_first_choice: bool,
        /// Whether another runner's outputs are compared with it.
        is_independent: bool,
    },
    /// A candidate was compared.
    Checked {
        /// The variant.
        variant: String,
        /// The runner.
        runner: String,
        /// What is wrong with it, if anything.
        fault: Option<String>,
    },
    /// Candidates are about to be measured.
    Measuring {
        /// How many.
        candidates: usize,
        /// At which batch.
        batch: Option<usize>,
        /// How much time was used.
        elapsed: Duration,
        /// How much there is.
        budget: Duration,
    },
    /// A candidate was measured at a batch.
    Measured {
        /// The variant.
        variant: String,
        /// The runner.
        runner: String,
        /// The batch.
        batch: Option<usize>,
        /// What was found, if anything.
        measurement: Option<Measurement>,
        /// Why it was measured no further, if it failed.
        failure: Option<String>,
    },
    /// A candidate cannot win any more.
    Dropped {
        /// The variant.
        variant: String,
        /// The runner.
        runner: String,
        /// Why not.
        reason: String,
    },
    /// The time is up for something.
    OutOfTime {
        /// What is left out.
        skipped: String,
    },
    /// A step is finished for good.
    Recorded(Box<Record>),
}

/// A part of the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Finding out what is right.
    Reference,
    /// Comparing with it.
    Correctness,
    /// Measuring everybody a little.
    First,
    /// Trying settings on those that lead.
    Wave(String),
    /// Growing batches.
    Growth,
    /// Measuring everything again, as the machine became another in the meantime.
    Again,
    /// Comparing at the largest batch.
    Largest,
    /// Measuring those that may be chosen once more.
    Settling,
    /// Measuring through the server's own batching.
    Serving,
}
