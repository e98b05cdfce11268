//! Strategies: pure functions from evaluations to a choice. One file each, listed in [`STRATEGIES`].

mod as_served;
mod choice;
mod latency_budget;
mod max_throughput;
mod max_throughput_and_min_latency;
mod min_latency;
mod selected_runtime;

use std::fmt::Debug;

pub use as_served::AsServed;
pub use choice::{Choice, NoChoice, PassedOver, Runtime};
pub use latency_budget::MaxThroughputWithLatencyBudget;
pub use max_throughput::MaxThroughput;
pub use max_throughput_and_min_latency::MaxThroughputAndMinLatency;
pub use min_latency::MinLatency;
pub use selected_runtime::SelectedRuntime;

use super::evaluation::Evaluation;

/// A way to choose.
pub trait Strategy: Debug + Sync {
    /// The name users type, with what it was told.
    fn name(&self) -> String;

    /// The best of the evaluations, or why there is none.
    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice>;
}

/// The strategies that need to be told nothing.
pub const STRATEGIES: &[&dyn Strategy] =
    &[&MaxThroughput, &MinLatency, &MaxThroughputAndMinLatency];

/// What is tried when nobody says otherwise.
pub const DEFAULT: &[&dyn Strategy] = &[&MaxThroughputAndMinLatency, &MinLatency];

/// Tries strategies in their order; the last one's reasons are the answer when none chooses.
pub fn choose(
    strategies: &[&dyn Strategy],
    evaluations: &[Evaluation],
) -> Result<Choice, NoChoice> {
    first_choice(strategies, evaluations).map(|(_, choice)| choice)
}

/// The same, with the strategy that chose.
pub fn first_choice<'a>(
    strategies: &[&'a dyn Strategy],
    evaluations: &[Evaluation],
) -> Result<(&'a dyn Strategy, Choice), NoChoice> {
    let mut refused = NoChoice {
        strategy: "no strategy".to_owned(),
        passed_over: Vec::new(),
    };
    for &strategy in strategies {
        match strategy.choose(evaluations) {
            Ok(choice) => return Ok((strategy, choice)),
            Err(no_choice) => refused = no_choice,
        }
    }
    Err(refused)
}

#[cfg(test)]
mod tests;
