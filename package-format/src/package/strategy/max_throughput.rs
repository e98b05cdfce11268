//! `max-throughput`: the most samples in a second, at whatever batch gives it.

use super::Strategy;
use super::choice::{Choice, NoChoice, best};
use crate::package::evaluation::Evaluation;

/// The most samples in a second.
#[derive(Clone, Copy, Debug)]
pub struct MaxThroughput;

impl Strategy for MaxThroughput {
    fn name(&self) -> String {
        "max-throughput".to_owned()
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        let (choice, throughput) = best(
            self,
            evaluations,
            |_| true,
            "any",
            |measurement| measurement.throughput,
        )?;
        let why = format!(
            "{} has the highest throughput, {throughput:.1}/s",
            choice.runtime
        );
        Ok(Choice { why, ..choice })
    }
}
