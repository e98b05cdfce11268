//! `min-latency`: the lowest median latency, at whatever batch has it.

use super::Strategy;
use super::choice::{Choice, NoChoice, best};
use crate::package::evaluation::Evaluation;

/// The lowest median latency.
#[derive(Clone, Copy, Debug)]
pub struct MinLatency;

impl Strategy for MinLatency {
    fn name(&self) -> String {
        "min-latency".to_owned()
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        let (choice, score) = best(
            self,
            evaluations,
            |_| true,
            "any",
            |measurement| -measurement.latency.p50_ms,
        )?;
        let why = format!(
            "{} has the lowest median latency, {:.3} ms",
            choice.runtime, -score
        );
        Ok(Choice { why, ..choice })
    }
}
