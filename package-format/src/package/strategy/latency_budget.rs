//! `max-throughput` within a latency budget: the most samples in a second among batches that are fast enough.

use super::Strategy;
use super::choice::{Choice, NoChoice, best};
use crate::package::evaluation::Evaluation;
use crate::package::measurement::{Measurement, Percentile};

/// The most samples in a second among batches within a budget. A batch is within it when the percentile is,
/// with all that it may truly be as far as that is known.
#[derive(Clone, Copy, Debug)]
pub struct MaxThroughputWithLatencyBudget {
    /// The budget, in milliseconds.
    pub budget_ms: f64,
    /// The percentile that must keep to it.
    pub percentile: Percentile,
}

impl Strategy for MaxThroughputWithLatencyBudget {
    fn name(&self) -> String {
        format!(
            "max-throughput within {} ms at {}",
            self.budget_ms, self.percentile
        )
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        let terms = format!(
            "a latency within {} ms at {}",
            self.budget_ms, self.percentile
        );
        let meets = |measurement: &Measurement| {
            measurement.latency_at_most(self.percentile) <= self.budget_ms
        };
        let throughput = |measurement: &Measurement| measurement.throughput;
        let (choice, throughput) = best(self, evaluations, meets, &terms, throughput)?;
        let own = evaluations
            .iter()
            .filter(|evaluation| choice.runtime.is_of(evaluation));
        let within = own
            .flat_map(|evaluation| &evaluation.measurements)
            .filter(|measurement| meets(measurement));
        let max_batch = within.filter_map(|measurement| measurement.batch).max();
        let why = format!(
            "{} has the highest throughput, {throughput:.1}/s, of those with {terms}",
            choice.runtime
        );
        Ok(Choice {
            max_batch,
            why,
            ..choice
        })
    }
}
