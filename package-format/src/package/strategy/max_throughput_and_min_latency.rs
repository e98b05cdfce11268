//! `max-throughput-and-min-latency`: one that is best at both, if there is one.

use super::choice::{Choice, NoChoice, PassedOver};
use super::{MaxThroughput, MinLatency, Strategy};
use crate::package::evaluation::Evaluation;

/// The one that has both the highest throughput and the lowest latency.
#[derive(Clone, Copy, Debug)]
pub struct MaxThroughputAndMinLatency;

impl Strategy for MaxThroughputAndMinLatency {
    fn name(&self) -> String {
        "max-throughput-and-min-latency".to_owned()
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        let renamed = |refused| NoChoice {
            strategy: self.name(),
            ..refused
        };
        let busiest = MaxThroughput.choose(evaluations).map_err(renamed)?;
        let fastest = MinLatency.choose(evaluations).map_err(renamed)?;
        if busiest.runtime == fastest.runtime {
            let why = format!(
                "{} has both the highest throughput and the lowest latency",
                fastest.runtime
            );
            // Alone a request is fastest; under load batches of the busiest size are.
            return Ok(Choice {
                why,
                max_batch: busiest.max_batch,
                ..fastest
            });
        }
        let passed_over = vec![
            PassedOver {
                runtime: busiest.runtime,
                reason: "its latency is not the lowest".to_owned(),
            },
            PassedOver {
                runtime: fastest.runtime,
                reason: "its throughput is not the highest".to_owned(),
            },
        ];
        Err(NoChoice {
            strategy: self.name(),
            passed_over,
        })
    }
}
