//! Evaluations: what became of one variant on one runner, step by step.

use serde::{Deserialize, Serialize};

use super::measurement::Measurement;

/// A variant on a runner: whether it was right, and how fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// What was attempted, and how it ended.
    pub steps: Vec<Step>,
    /// What was measured, in the order of measuring.
    pub measurements: Vec<Measurement>,
}

/// One attempted step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was attempted: `correctness`, `performance`, ...
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Well.
    Ok,
    /// Badly.
    Failed,
    /// It was not attempted, because something before it did not end well or it was not asked for.
    Skipped,
}

/// The step that compares outputs with the original's.
pub const CORRECTNESS: &str = "correctness";
/// The step that measures.
pub const PERFORMANCE: &str = "performance";

impl Evaluation {
    /// How the step of this name ended; nothing when it was never attempted.
    pub fn outcome(&self, step: &str) -> Option<Outcome> {
        self.steps
            .iter()
            .find(|attempted| attempted.name == step)
            .map(|attempted| attempted.outcome)
    }

    /// Why this must not be chosen; nothing when it may be.
    pub fn objection(&self) -> Option<String> {
        let wanting =
            [CORRECTNESS, PERFORMANCE]
                .into_iter()
                .find_map(|step| match self.outcome(step) {
                    Some(Outcome::Ok) => None,
                    Some(Outcome::Failed) => Some(format!("{step} failed")),
                    Some(Outcome::Skipped) => Some(format!("{step} was skipped")),
                    None => Some(format!("{step} was never attempted")),
                });
        wanting.or_else(|| {
            self.measurements
                .is_empty()
                .then(|| "nothing was measured".to_owned())
        })
    }

    /// The largest batch that was measured.
    pub fn largest_batch(&self) -> Option<usize> {
        self.measurements
            .iter()
            .filter_map(|measurement| measurement.batch)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_proved_and_measured_may_be_chosen() {
        let check = |steps: &[(&str, Outcome)], expected: Option<&str>| {
            let steps = steps.iter().map(|&(name, outcome)| Step {
                name: name.to_owned(),
                outcome,
            });
            let evaluation = Evaluation {
                variant: "onnx".to_owned(),
                runner: "OnnxCPU".to_owned(),
                steps: steps.collect(),
                measurements: Vec::new(),
            };
            assert_eq!(evaluation.objection().as_deref(), expected);
        };
        check(&[], Some("correctness was never attempted"));
        check(
            &[(CORRECTNESS, Outcome::Failed)],
            Some("correctness failed"),
        );
        let ok = (CORRECTNESS, Outcome::Ok);
        check(
            &[ok, (PERFORMANCE, Outcome::Skipped)],
            Some("performance was skipped"),
        );
        check(
            &[ok, (PERFORMANCE, Outcome::Ok)],
            Some("nothing was measured"),
        );
    }
}
