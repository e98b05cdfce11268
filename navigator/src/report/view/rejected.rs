//! What may not be chosen and what did not end well: the reason, the numbers, and how to do it again.

use nav_package_format::package::{Evaluation, Outcome, Record};
use serde::Serialize;

use super::correctness::{Output, output};
use crate::report::command;
use crate::report::compare::went_wrong;

/// A variant that was rejected, or of which something did not end well.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Rejected {
    variant: String,
    runner: String,
    /// Why it may not be chosen; nothing when it may be all the same.
    objection: Option<String>,
    steps: Vec<Step>,
}

/// A step that did not end well.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    outcome: &'static str,
    reason: Option<String>,
    outputs: Vec<Output>,
    /// The command that does it again.
    replay: Option<String>,
}

/// All of them, in the order of the package.
pub(in crate::report) fn rejected(evaluations: &[Evaluation], records: &[Record]) -> Vec<Rejected> {
    let all = evaluations.iter().map(|evaluation| {
        let bad = went_wrong(records, evaluation);
        Rejected {
            variant: evaluation.variant.clone(),
            runner: evaluation.runner.clone(),
            objection: evaluation.objection(),
            steps: bad.map(step).collect(),
        }
    });
    all.filter(|one| one.objection.is_some() || !one.steps.is_empty())
        .collect()
}

fn step(record: &Record) -> Step {
    Step {
        name: record.step.clone(),
        outcome: match record.outcome {
            Outcome::Ok => "ok",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        },
        reason: record.reason.clone(),
        outputs: record.comparisons.iter().map(output).collect(),
        replay: (!record.replay.is_empty()).then(|| command::line(&record.replay)),
    }
}
