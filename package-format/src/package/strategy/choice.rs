//! A choice, and how the best of several measurements becomes one.

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
    /// The largest batch that a server should form on the strategy's terms: within a latency budget the
    /// largest that meets it, otherwise the one of most throughput, or of least latency if only that was asked
    /// for. None without a batch axis.
    pub max_batch: Option<usize>,
    /// Others that did as well, as far as can be told. The chosen one takes less memory, or fewer threads,
    /// or comes first by name, in this order; where the noise is not known, it comes first in the package.
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

impl NoChoice {
    /// None of these, all for the same reason.
    pub(super) fn all_passed_over(
        strategy: String,
        runtimes: impl Iterator<Item = Runtime>,
        reason: &str,
    ) -> Self {
        let passed_over = runtimes.map(|runtime| PassedOver {
            runtime,
            reason: reason.to_owned(),
        });
        Self {
            strategy,
            passed_over: passed_over.collect(),
        }
    }
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

    /// Whether the evaluation is of this variant on this runner.
    pub fn is_of(&self, evaluation: &Evaluation) -> bool {
        self.variant == evaluation.variant && self.runner == evaluation.runner
    }
}

/// What is farther off than this part is no tie, however noisy either was: it would be taken for being cheap.
const MOST_DOUBT: f64 = 0.05;

/// A measurement that meets the terms, and its score.
#[derive(Clone, Copy)]
struct Scored<'a> {
    evaluation: &'a Evaluation,
    measurement: &'a Measurement,
    score: f64,
}

impl Scored<'_> {
    /// Whether it did as well as the best one, as far as can be told. Errors of two measurements have nothing to do with each
    /// other, so that of their difference is not their sum.
    fn ties_with(&self, best: &Self) -> bool {
        let part = |scored: &Self| scored.measurement.uncertainty.unwrap_or_default();
        let doubt = part(self).hypot(part(best)).min(MOST_DOUBT);
        self.score >= best.score - best.score.abs() * doubt
    }
}

/// The best measurement by a score, the highest. Only measurements that meet the terms count; `terms` says
/// in words what they are. What lies within the noise is a tie: of batches the smallest is taken, of
/// runtimes the cheapest.
pub(super) fn best(
    strategy: &dyn Strategy,
    evaluations: &[Evaluation],
    meets: impl Fn(&Measurement) -> bool,
    terms: &str,
    score: impl Fn(&Measurement) -> f64,
) -> Result<(Choice, f64), NoChoice> {
    let mut passed_over = Vec::new();
    let mut bests: Vec<Scored<'_>> = Vec::new();
    for evaluation in evaluations {
        let reason = match evaluation.objection() {
            Some(reason) => reason,
            None => match best_of_one(evaluation, &meets, &score) {
                Some(best) => {
                    bests.push(best);
                    continue;
                }
                None => format!("no batch has {terms}"),
            },
        };
        let runtime = Runtime::of(evaluation);
        passed_over.push(PassedOver { runtime, reason });
    }
    let Some(best) = first_highest(&bests) else {
        return Err(NoChoice {
            strategy: strategy.name(),
            passed_over,
        });
    };
    let tied: Vec<Scored<'_>> = bests
        .iter()
        .copied()
        .filter(|other| other.ties_with(&best))
        .collect();
    let chosen = cheapest(&tied, best);
    let runtime = Runtime::of(chosen.evaluation);
    let choice = Choice {
        ties: tied
            .iter()
            .map(|other| Runtime::of(other.evaluation))
            .filter(|other| *other != runtime)
            .collect(),
        runtime,
        measurement: *chosen.measurement,
        max_batch: chosen.measurement.batch,
        why: String::new(),
    };
    Ok((choice, chosen.score))
}

/// The best measurement of one runtime; of those within its noise, the one with the smallest batch.
fn best_of_one<'a>(
    evaluation: &'a Evaluation,
    meets: impl Fn(&Measurement) -> bool,
    score: impl Fn(&Measurement) -> f64,
) -> Option<Scored<'a>> {
    let scored: Vec<Scored<'a>> = evaluation
        .measurements
        .iter()
        .filter(|measurement| meets(measurement))
        .map(|measurement| Scored {
            evaluation,
            measurement,
            score: score(measurement),
        })
        // What is not a number is no measurement.
        .filter(|scored| !scored.score.is_nan())
        .collect();
    let best = first_highest(&scored)?;
    if best.measurement.uncertainty.is_none() {
        return Some(best);
    }
    let tied = scored.into_iter().filter(|other| other.ties_with(&best));
    tied.min_by_key(|other| other.measurement.batch)
}

/// The highest score, and of equal ones the first.
fn first_highest<'a>(scored: &[Scored<'a>]) -> Option<Scored<'a>> {
    let higher = |best: Scored<'a>, other: Scored<'a>| {
        if other.score > best.score {
            other
        } else {
            best
        }
    };
    scored.iter().copied().reduce(higher)
}

/// How much more memory is still as little.
const AS_LITTLE: f64 = 1.1;

/// Of those that tie, the one that takes the least of the host. Where the noise is not known there is
/// nothing to go by, and the best one stays.
fn cheapest<'a>(tied: &[Scored<'a>], best: Scored<'a>) -> Scored<'a> {
    if best.measurement.uncertainty.is_none() {
        return best;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "amounts of memory are compared roughly"
    )]
    let memory = |one: &Scored<'_>| {
        let bytes = one.evaluation.cost.memory_bytes;
        bytes.map_or(f64::INFINITY, |bytes| bytes as f64)
    };
    let least = tied.iter().map(memory).fold(f64::INFINITY, f64::min);
    let frugal = tied.iter().filter(|one| memory(one) <= least * AS_LITTLE);
    let by_threads_and_name = |one: &&Scored<'a>| {
        let threads = one.evaluation.cost.threads.unwrap_or(usize::MAX);
        (threads, one.evaluation.variant.as_str())
    };
    frugal
        .min_by_key(by_threads_and_name)
        .copied()
        .unwrap_or(best)
}
