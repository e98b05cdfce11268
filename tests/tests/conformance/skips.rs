//! What runners are known not to do, and why. Every entry is tried, and one that passes is a failure.

use crate::columns::Column;
use crate::suites::SUITES;

/// A known limit of a runner, wherever it runs.
#[derive(Debug)]
pub(crate) struct Skip {
    /// The runner.
    pub(crate) runner: &'static str,
    /// `suite/case`.
    pub(crate) case: &'static str,
    /// Why it cannot be had.
    pub(crate) reason: &'static str,
}

const fn limit(runner: &'static str, case: &'static str, reason: &'static str) -> Skip {
    Skip {
        runner,
        case,
        reason,
    }
}

/// Every known limit.
pub(crate) const SKIPS: &[Skip] = &[
    limit(
        "OnnxCPU",
        "bf16/add",
        "ONNX Runtime adds no BF16 on the processor",
    ),
    limit("TractCPU", "bf16/add", NO_BF16),
    limit("TractCPU", "bf16/to-fp32", NO_BF16),
    limit("TractCPU", "bf16/from-fp32", NO_BF16),
    limit("TractCPU", "bf16/inside-the-graph", NO_BF16),
    limit("TractCPU", "identity/bf16", NO_BF16),
    limit(
        "TractCPU",
        "strings/append",
        "tract does not implement StringConcat",
    ),
    limit(
        "TractCPU",
        "strings/not-utf-8",
        "strings of tract are UTF-8, and others are refused",
    ),
];

const NO_BF16: &str = "tract has no BF16";

impl Skip {
    /// Whether this is about that case in that column.
    pub(crate) fn covers(&self, column: &Column, suite: &str, case: &str) -> bool {
        self.runner == column.runner.name() && self.case.split_once('/') == Some((suite, case))
    }
}

/// Whether every entry is about a case that there is.
pub(crate) fn check() -> Result<(), String> {
    let cases = || {
        let suites = SUITES.iter();
        suites.flat_map(|suite| suite.cases.iter().map(|case| (suite.name, case.name)))
    };
    for skip in SKIPS {
        if !cases().any(|case| skip.case.split_once('/') == Some(case)) {
            return Err(format!("there is no case `{}` to skip", skip.case));
        }
    }
    let mut names: Vec<_> = cases().collect();
    names.sort_unstable();
    match names.array_windows().find(|[one, other]| one == other) {
        Some([(suite, case), _]) => Err(format!("there are two cases `{suite}/{case}`")),
        None => Ok(()),
    }
}
