//! From what was typed to what the library is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nav_navigator::convert::Python;
use nav_navigator::declare::parse_input;
use nav_navigator::optimize::{DimRange, Goal, Settings as Wanted, ToleranceRule};
use nav_package_format::DType;

use super::OptimizeArgs;
use crate::exit::UsageError;
use crate::strategy::Chosen;
use crate::{duration, environment};

/// The settings of the library.
pub(super) fn wanted(args: &OptimizeArgs) -> Result<Wanted, UsageError> {
    let mut dims = BTreeMap::new();
    for text in &args.dim {
        let wrong = || UsageError(format!("`{text}` is not NAME=EXTENT or NAME=MIN..MAX"));
        let (name, range) = text.rsplit_once('=').ok_or_else(wrong)?;
        let range: DimRange = range.parse().map_err(|_| wrong())?;
        dims.insert(name.to_owned(), range);
    }
    let tolerances: Result<Vec<ToleranceRule>, UsageError> =
        args.tolerance.iter().map(|text| tolerance(text)).collect();
    let inputs: Result<Vec<_>, _> = args.input.iter().map(|text| parse_input(text)).collect();
    let python = args.python.as_deref().map(|named| python(named, args));
    let defaults = Wanted::default();
    let goals = if args.strategy.is_given() {
        goals(&args.strategy.strategies()?)?
    } else {
        defaults.goals.clone()
    };
    let time = |text: &String| duration::parse(text).map_err(|error| UsageError(error.to_string()));
    Ok(Wanted {
        runners: args.runner.clone(),
        goals,
        max_batch: args.max_batch,
        batch_sizes: args.batch_sizes.clone(),
        threads: args.threads.clone(),
        instances: args.instances.clone(),
        tolerances: tolerances?,
        inputs: inputs.map_err(|error| UsageError(error.to_string()))?,
        dims,
        data: args.data.clone(),
        seed: args.seed,
        time_budget: time(&args.time_budget)?,
        step_limit: args.step_limit.as_ref().map(time).transpose()?,
        memory_limit: args.memory_limit.map(|mebibytes| mebibytes << 20),
        python: python.transpose()?,
        workspace: args.workspace.clone(),
        fresh: args.fresh,
        keep_best: args.keep_best,
        ..defaults
    })
}

/// The Python of this name, and what it may do.
fn python(named: &Path, args: &OptimizeArgs) -> Result<Python, UsageError> {
    let reads = args.python_reads.iter().map(|path| {
        let missing = || UsageError(format!("there is no {} to read", path.display()));
        path.canonicalize().map_err(|_| missing())
    });
    Ok(Python {
        program: program(named)?,
        reads: reads.collect::<Result<_, _>>()?,
        unconfined: args.unconfined_python,
    })
}

/// The absolute path of a Python, looked for where commands are, if it has no folder.
fn program(named: &Path) -> Result<PathBuf, UsageError> {
    let missing = || UsageError(format!("there is no Python {}", named.display()));
    if named.components().count() > 1 {
        let path = std::path::absolute(named).map_err(|_| missing())?;
        return path.is_file().then_some(path).ok_or_else(missing);
    }
    let folders = environment::command_folders();
    let mut found = folders.iter().map(|folder| folder.join(named));
    found
        .find(|path| path.is_absolute() && path.is_file())
        .ok_or_else(missing)
}

fn goals(chosen: &Chosen) -> Result<Vec<Goal>, UsageError> {
    if let Some(budget) = chosen.budget() {
        return Ok(vec![Goal::LatencyBudget {
            budget_ms: budget.budget_ms,
            percentile: budget.percentile,
        }]);
    }
    let known = [
        Goal::MaxThroughput,
        Goal::MinLatency,
        Goal::MaxThroughputAndMinLatency,
    ];
    let named = |name: String| {
        let found = known
            .into_iter()
            .find(|goal| goal.strategy().name() == name);
        let text = "--variant chooses among the variants of a package, and there is none yet";
        found.ok_or_else(|| UsageError(text.to_owned()))
    };
    let strategies = chosen.strategies().into_iter();
    strategies.map(|strategy| named(strategy.name())).collect()
}

/// `1e-3`, `1e-3,1e-2`, `scores=1e-3`, `FP16=1e-2,1e-2`.
fn tolerance(text: &str) -> Result<ToleranceRule, UsageError> {
    let wrong = || {
        UsageError(format!(
            "`{text}` is no tolerance, which is like 1e-3, FP16=1e-2,1e-2 or OUTPUT=1e-4"
        ))
    };
    let number = |text: &str| {
        let number: Option<f64> = text.trim().parse().ok();
        number.filter(|number| number.is_finite() && *number >= 0.0)
    };
    let (whose, numbers) = match text.rsplit_once('=') {
        Some((whose, numbers)) => (Some(whose), numbers),
        None => (None, text),
    };
    let (absolute, relative) = match numbers.split_once(',') {
        Some((absolute, relative)) => (number(absolute), number(relative)),
        None => (number(numbers), Some(0.0)),
    };
    let (absolute, relative) = absolute.zip(relative).ok_or_else(wrong)?;
    let dtype: Option<DType> = whose.and_then(|whose| whose.parse().ok());
    Ok(ToleranceRule {
        output: whose.filter(|_| dtype.is_none()).map(str::to_owned),
        dtype,
        absolute,
        relative,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_for_an_output_a_type_or_all() {
        let check = |text: &str, expected: Option<(Option<&str>, Option<DType>, f64, f64)>| {
            let read = tolerance(text).ok();
            let read = read.map(|rule| (rule.output, rule.dtype, rule.absolute, rule.relative));
            let expected = expected.map(|(output, dtype, absolute, relative)| {
                (output.map(str::to_owned), dtype, absolute, relative)
            });
            assert_eq!(read, expected, "{text}");
        };
        check("1e-3", Some((None, None, 1e-3, 0.0)));
        check("1e-3,0.5", Some((None, None, 1e-3, 0.5)));
        check("FP16=1e-2", Some((None, Some(DType::Fp16), 1e-2, 0.0)));
        check("scores=0,1", Some((Some("scores"), None, 0.0, 1.0)));
        check("scores", None);
        check("-1", None);
        check("x=nan", None);
    }
}
