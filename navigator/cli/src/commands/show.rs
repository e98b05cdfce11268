//! `nav show`: what a package holds, how its variants did, and which one a strategy would take.

use std::path::PathBuf;

use clap::Args;
use nav_package_format::Signature;
use nav_package_format::archive::Limits;
use nav_package_format::package::model_navigator::ModelNavigatorPackage;
use nav_package_format::package::strategy::{DEFAULT, STRATEGIES, choose};
use nav_package_format::package::{
    Choice, Evaluation, MaxThroughputWithLatencyBudget, NoChoice, Percentile, Strategy,
};
use serde::Serialize;

use crate::exit::UsageError;
use crate::printer::Printer;
use crate::render;

/// The arguments of `nav show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The package, written by Model Navigator (0.2.0 to 0.3.2).
    package: PathBuf,
    /// How to choose: `max-throughput`, `min-latency` or `max-throughput-and-min-latency`. Given several
    /// times, the first that chooses decides.
    #[arg(long)]
    strategy: Vec<String>,
    /// The most a batch may take, for the highest throughput within it: `20ms`, at p99 unless `20ms@p50`.
    #[arg(long, conflicts_with = "strategy", value_name = "TIME[@PERCENTILE]")]
    latency_budget: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

/// What there is to show.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    schema: u32,
    /// What wrote the package.
    pub(crate) written_by: String,
    /// The format of the package.
    pub(crate) format_version: &'a str,
    /// What the model takes and gives.
    pub(crate) signature: &'a Signature,
    /// The models in it.
    pub(crate) variants: Vec<ShownVariant<'a>>,
    /// How they did.
    pub(crate) evaluations: &'a [Evaluation],
    /// What the strategy takes.
    pub(crate) choice: Option<Choice>,
    /// Why it takes nothing.
    pub(crate) no_choice: Option<String>,
    /// What is wrong with the package.
    pub(crate) warnings: Vec<String>,
}

/// A model in the package.
#[derive(Debug, Serialize)]
pub(crate) struct ShownVariant<'a> {
    /// Its key.
    pub(crate) key: &'a str,
    /// Its format.
    pub(crate) format: &'a str,
    /// How large its file is, if it is there.
    pub(crate) bytes: Option<u64>,
}

/// Opens, chooses, tells.
pub(crate) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let chosen = strategies(args)?;
    let package = ModelNavigatorPackage::open(&args.package, &Limits::default())?;
    let status = package.status();
    let (choice, no_choice) = split(chosen.choose(package.evaluations()));
    let version = status
        .model_navigator_version
        .as_deref()
        .unwrap_or("of an unknown version");
    let variants = package.variants().iter().map(|variant| ShownVariant {
        key: &variant.key,
        format: &variant.format,
        bytes: variant.file.as_ref().map(|(_, bytes)| *bytes),
    });
    let shown = Shown {
        schema: SCHEMA,
        written_by: format!("Model Navigator {version}"),
        format_version: &status.format_version,
        signature: package.signature(),
        variants: variants.collect(),
        evaluations: package.evaluations(),
        choice,
        no_choice,
        warnings: package.warnings().iter().map(ToString::to_string).collect(),
    };
    if args.json {
        Printer::json(&shown)?;
    } else {
        Printer::data(&render::package(&shown))?;
    }
    Ok(())
}

fn split(chosen: Result<Choice, NoChoice>) -> (Option<Choice>, Option<String>) {
    match chosen {
        Ok(choice) => (Some(choice), None),
        Err(refused) => (None, Some(refused.to_string())),
    }
}

/// The strategies that the arguments name.
enum Chosen {
    Named(Vec<&'static dyn Strategy>),
    Budget(MaxThroughputWithLatencyBudget),
}

impl Chosen {
    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        match self {
            Self::Named(strategies) => choose(strategies, evaluations),
            Self::Budget(strategy) => strategy.choose(evaluations),
        }
    }
}

fn strategies(args: &ShowArgs) -> Result<Chosen, UsageError> {
    if let Some(text) = &args.latency_budget {
        return budget(text).map(Chosen::Budget);
    }
    if args.strategy.is_empty() {
        return Ok(Chosen::Named(DEFAULT.to_vec()));
    }
    let find = |name: &String| {
        let known = STRATEGIES
            .iter()
            .copied()
            .find(|strategy| strategy.name() == *name);
        known.ok_or_else(|| {
            let names: Vec<String> = STRATEGIES.iter().map(|strategy| strategy.name()).collect();
            UsageError(format!(
                "there is no strategy `{name}`; there are {}",
                names.join(", ")
            ))
        })
    };
    args.strategy
        .iter()
        .map(find)
        .collect::<Result<_, _>>()
        .map(Chosen::Named)
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
    let (number, scale) = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 1e3),
        (None, None) => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if !number.is_finite() || number <= 0.0 {
        return Err(wrong());
    }
    Ok(MaxThroughputWithLatencyBudget {
        budget_ms: number * scale,
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
