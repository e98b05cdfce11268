//! Evaluations: a variant on a runner, as its records show it. What strategies choose from.

use serde::{Deserialize, Serialize};

use super::measurement::Measurement;
use super::record::{CONVERSION, CORRECTNESS, Outcome, PERFORMANCE, Record};
use super::variant::Variant;

/// A variant on a runner: whether it was right, how fast, and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The variant.
    pub variant: String,
    /// The runner.
    pub runner: String,
    /// What was attempted, and how it ended.
    pub steps: Vec<Step>,
    /// What was measured, in the order of measuring.
    pub measurements: Vec<Measurement>,
    /// What it takes of the host.
    #[serde(default)]
    pub cost: Cost,
}

/// One attempted step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was attempted: `correctness`, `performance`, ...
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a variant takes of the host, as far as it is known. Of equally good ones, the cheapest is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The most memory that was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The threads that compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
}

impl Evaluation {
    /// What the records say of a variant.
    pub fn of(variant: &Variant, records: &[Record]) -> Self {
        let own: Vec<&Record> = records
            .iter()
            .filter(|record| record.is_of(&variant.name, &variant.runner))
            .collect();
        let measured = own.iter().filter(|record| record.step == PERFORMANCE);
        let steps = own.iter().map(|record| Step {
            name: record.step.clone(),
            outcome: record.outcome,
        });
        Self {
            variant: variant.name.clone(),
            runner: variant.runner.clone(),
            steps: steps.collect(),
            measurements: measured
                .clone()
                .flat_map(|record| record.measurements.iter().copied())
                .collect(),
            cost: Cost {
                memory_bytes: measured.filter_map(|record| record.peak_memory_bytes).max(),
                threads: variant.threads(),
            },
        }
    }

    /// How the step of this name ended; nothing when it was never attempted.
    pub fn outcome(&self, step: &str) -> Option<Outcome> {
        self.steps
            .iter()
            .find(|attempted| attempted.name == step)
            .map(|attempted| attempted.outcome)
    }

    /// Why this must not be chosen; nothing when it may be.
    pub fn objection(&self) -> Option<String> {
        // What needed no conversion has no record of one.
        if self.outcome(CONVERSION) == Some(Outcome::Failed) {
            return Some(format!("{CONVERSION} failed"));
        }
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
                ..Evaluation::default()
            };
            assert_eq!(evaluation.objection().as_deref(), expected);
        };
        check(&[], Some("correctness was never attempted"));
        check(
            &[(CORRECTNESS, Outcome::Failed)],
            Some("correctness failed"),
        );
        check(&[(CONVERSION, Outcome::Failed)], Some("conversion failed"));
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
