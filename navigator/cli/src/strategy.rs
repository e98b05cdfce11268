//! How the command line says what to choose by: the same flags for every command that chooses.

use clap::Args;
use nav_package_format::package::strategy::{DEFAULT, STRATEGIES, choose};
use nav_package_format::package::{
    AsServed, Choice, Evaluation, Manifest, MaxThroughputWithLatencyBudget, NoChoice, Percentile,
    Runtime, SelectedRuntime, Strategy,
};

use crate::duration;
use crate::exit::UsageError;

/// The flags that say how to choose.
#[derive(Args, Clone, Debug)]
pub(crate) struct StrategyArgs {
    /// How to choose: `max-throughput`, `min-latency` or `max-throughput-and-min-latency`. Given several
    /// times, the first that chooses decides.
    #[arg(long)]
    strategy: Vec<String>,
    /// The most a batch may take, for the highest throughput within it: `20ms`, at p99 unless `20ms@p50`.
    #[arg(long, conflicts_with = "strategy", value_name = "TIME[@PERCENTILE]")]
    latency_budget: Option<String>,
    /// This variant on this runner, as `nav show` names them.
    #[arg(long, conflicts_with_all = ["strategy", "latency_budget"], value_name = "VARIANT@RUNNER")]
    variant: Option<String>,
}

/// The strategies that the arguments name.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// Nobody said anything.
    Unsaid,
    /// By name, in the order in which they are tried.
    Named(Vec<&'static dyn Strategy>),
    /// What a package is to be served as; where that is not to be had, as when nobody says otherwise.
    AsServed(Box<AsServed>),
    /// Within a latency budget.
    Budget(MaxThroughputWithLatencyBudget),
    /// One variant.
    Selected(SelectedRuntime),
}

impl Chosen {
    /// The same, or what this package is to be served as, where nobody said anything.
    pub(crate) fn or_as_served(self, package: &Manifest) -> Self {
        match (self, AsServed::of(package)) {
            (Self::Unsaid, Some(served)) => Self::AsServed(Box::new(served)),
            (chosen, _) => chosen,
        }
    }

    /// What the first of them that chooses takes.
    pub(crate) fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        choose(&self.strategies(), evaluations)
    }

    /// The latency budget, where that is what was asked for.
    pub(crate) fn budget(&self) -> Option<MaxThroughputWithLatencyBudget> {
        match self {
            Self::Unsaid | Self::Named(_) | Self::AsServed(_) | Self::Selected(_) => None,
            Self::Budget(budget) => Some(*budget),
        }
    }

    /// The strategies, in the order in which they are tried.
    pub(crate) fn strategies(&self) -> Vec<&dyn Strategy> {
        match self {
            Self::Unsaid => DEFAULT.to_vec(),
            Self::Named(strategies) => strategies.iter().map(|&one| one as &dyn Strategy).collect(),
            Self::AsServed(served) => {
                let first: [&dyn Strategy; 1] = [&**served];
                [&first, DEFAULT].concat()
            }
            Self::Budget(strategy) => vec![strategy],
            Self::Selected(strategy) => vec![strategy],
        }
    }
}

impl StrategyArgs {
    /// Whether anything was asked for.
    pub(crate) fn is_given(&self) -> bool {
        !self.strategy.is_empty() || self.latency_budget.is_some() || self.variant.is_some()
    }

    /// The strategies that were asked for, or those that are tried when nobody says otherwise.
    pub(crate) fn strategies(&self) -> Result<Chosen, UsageError> {
        if let Some(text) = &self.variant {
            let wrong = || UsageError(format!("`{text}` is not VARIANT@RUNNER"));
            let (variant, runner) = text.rsplit_once('@').ok_or_else(wrong)?;
            return Ok(Chosen::Selected(SelectedRuntime(Runtime {
                variant: variant.to_owned(),
                runner: runner.to_owned(),
            })));
        }
        if let Some(text) = &self.latency_budget {
            return budget(text).map(Chosen::Budget);
        }
        if self.strategy.is_empty() {
            return Ok(Chosen::Unsaid);
        }
        let find = |name: &String| {
            let known = STRATEGIES
                .iter()
                .copied()
                .find(|strategy| strategy.name() == *name);
            known.ok_or_else(|| {
                let names: Vec<String> =
                    STRATEGIES.iter().map(|strategy| strategy.name()).collect();
                UsageError(format!(
                    "there is no strategy `{name}`; there are {}",
                    names.join(", ")
                ))
            })
        };
        self.strategy
            .iter()
            .map(find)
            .collect::<Result<_, _>>()
            .map(Chosen::Named)
    }
}

/// `20ms`, `1.5s`, `20ms@p50`.
fn budget(text: &str) -> Result<MaxThroughputWithLatencyBudget, UsageError> {
    let wrong = || {
        UsageError(format!(
            "`{text}` is no latency budget, which is like 20ms or 20ms@p50"
        ))
    };
    let (time, percentile) = match text.split_once('@') {
        Some((time, percentile)) => (time, percentile.parse().map_err(|_| wrong())?),
        None => (text, Percentile::P99),
    };
    let time = duration::parse(time).map_err(|_| wrong())?;
    Ok(MaxThroughputWithLatencyBudget {
        budget_ms: time.as_secs_f64() * 1e3,
        percentile,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_in_either_unit_and_at_a_percentile() {
        let check = |text: &str, expected: Option<(f64, Percentile)>| {
            let read = budget(text)
                .ok()
                .map(|budget| (budget.budget_ms, budget.percentile));
            assert_eq!(read, expected, "{text}");
        };
        check("20ms", Some((20.0, Percentile::P99)));
        check("1.5s@p50", Some((1500.0, Percentile::P50)));
        check("20", None);
        check("-1ms", None);
        check("20ms@p42", None);
        check("nanms", None);
    }
}
