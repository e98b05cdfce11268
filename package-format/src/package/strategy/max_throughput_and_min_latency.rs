//! `max-throughput-and-min-latency`: one that is best at both, if there is one.

use super::choice::{Choice, NoChoice, PassedOver, Runtime};
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
        if let Some(both) = best_at_both(&busiest, &fastest) {
            let own = evaluations
                .iter()
                .filter(|evaluation| both.is_of(evaluation))
                .cloned();
            let own: Vec<Evaluation> = own.collect();
            let ties = fastest.ties.iter().chain([&fastest.runtime]);
            let ties = ties.filter(|tie| **tie != both && does_as_well(&busiest, tie));
            let least = MinLatency.choose(&own).map_err(renamed)?;
            // Alone a request is fastest; under load batches of the busiest size are, and they are what runs.
            let most = MaxThroughput.choose(&own).map_err(renamed)?;
            return Ok(Choice {
                why: format!("{both} has both {}", at_both(&most, &least)),
                ties: ties.cloned().collect(),
                ..most
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

/// What it is best at, in numbers.
fn at_both(most: &Choice, least: &Choice) -> String {
    let at = |choice: &Choice| {
        let batch = choice.measurement.batch;
        batch.map(|batch| format!(" at batch {batch}"))
    };
    format!(
        "the highest throughput, {:.1}/s{}, and the lowest latency, {:.3} ms{}",
        most.measurement.throughput,
        at(most).unwrap_or_default(),
        least.measurement.latency.p50_ms,
        at(least).unwrap_or_default(),
    )
}

/// One that nothing beats at either, as far as can be told.
fn best_at_both(busiest: &Choice, fastest: &Choice) -> Option<Runtime> {
    let busy = std::iter::once(&busiest.runtime).chain(&busiest.ties);
    let mut fast = std::iter::once(&fastest.runtime).chain(&fastest.ties);
    if busiest.measurement.uncertainty.is_none() {
        return (busiest.runtime == fastest.runtime).then(|| fastest.runtime.clone());
    }
    let mut both = busy.filter(|runtime| does_as_well(fastest, runtime));
    both.next()
        .or_else(|| fast.find(|runtime| does_as_well(busiest, runtime)))
        .cloned()
}

fn does_as_well(choice: &Choice, runtime: &Runtime) -> bool {
    choice.runtime == *runtime || choice.ties.contains(runtime)
}
