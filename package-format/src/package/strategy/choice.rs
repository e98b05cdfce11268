//! A choice, and how the best of several measurements becomes one.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Strategy;
use crate::package::evaluation::Evaluation;
use crate::package::measurement::Measurement;

/// A variant on a runner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Runtime {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
}

/// What a strategy chose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What to run.
    pub runtime: Runtime,
    /// The measurement that decided; its batch is the batch to run.
    pub measurement: Measurement,
    /// The largest batch that still meets the strategy's terms; none without a batch axis.
    pub largest_batch: Option<usize>,
    /// Others that did exactly as well; the chosen one comes first in the package.
    pub ties: Vec<Runtime>,
    /// One sentence why.
    pub why: String,
}

/// A strategy found nothing to choose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{strategy} chose nothing{}", list(passed_over))]
pub struct NoChoice {
    /// The strategy.
    pub strategy: String,
    /// Each candidate and why it was passed over.
    pub passed_over: Vec<PassedOver>,
}

/// A candidate that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The candidate.
    pub runtime: Runtime,
    /// Why not.
    pub reason: String,
}

fn list(passed_over: &[PassedOver]) -> String {
    if passed_over.is_empty() {
        return ": there are no candidates".to_owned();
    }
    let reasons = passed_over
        .iter()
        .map(|one| format!("{}: {}", one.runtime, one.reason));
    format!(" ({})", reasons.collect::<Vec<_>>().join("; "))
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.variant, self.runner)
    }
}

impl Runtime {
    /// The variant and the runner of an evaluation.
    pub fn of(evaluation: &Evaluation) -> Self {
        Self {
            variant: evaluation.variant.clone(),
            runner: evaluation.runner.clone(),
        }
    }
}

impl Choice {
    fn tie_with(&mut self, other: &Runtime) {
        if self.runtime != *other && !self.ties.contains(other) {
            self.ties.push(other.clone());
        }
    }
}

/// The best measurement by a score: the highest, and of equal ones the first. Only measurements that meet
/// the terms count; `terms` says in words what they are.
pub(super) fn best(
    strategy: &dyn Strategy,
    evaluations: &[Evaluation],
    meets: impl Fn(&Measurement) -> bool,
    terms: &str,
    score: impl Fn(&Measurement) -> f64,
) -> Result<(Choice, f64), NoChoice> {
    let mut passed_over = Vec::new();
    let mut best: Option<(Choice, f64)> = None;
    for evaluation in evaluations {
        let runtime = Runtime::of(evaluation);
        if let Some(reason) = evaluation.objection() {
            passed_over.push(PassedOver { runtime, reason });
            continue;
        }
        // What is not a number is no measurement.
        let counts =
            |measurement: &&Measurement| meets(measurement) && !score(measurement).is_nan();
        let fitting = || evaluation.measurements.iter().filter(counts);
        let largest_batch = fitting().filter_map(|measurement| measurement.batch).max();
        if fitting().next().is_none() {
            passed_over.push(PassedOver {
                runtime,
                reason: format!("no batch has {terms}"),
            });
            continue;
        }
        for measurement in fitting() {
            let scored = score(measurement);
            let standing = best
                .as_mut()
                .map(|(choice, highest)| (choice, scored.partial_cmp(highest)));
            match standing {
                Some((_, Some(Ordering::Less) | None)) => {}
                Some((choice, Some(Ordering::Equal))) => choice.tie_with(&runtime),
                None | Some((_, Some(Ordering::Greater))) => {
                    let choice = Choice {
                        runtime: runtime.clone(),
                        measurement: *measurement,
                        largest_batch,
                        ties: Vec::new(),
                        why: String::new(),
                    };
                    best = Some((choice, scored));
                }
            }
        }
    }
    best.ok_or_else(|| NoChoice {
        strategy: strategy.name(),
        passed_over,
    })
}
