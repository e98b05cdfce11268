//! What a user may say of an optimization, as plain data: goals, ranges, limits. Knows no file format and no flag.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use nav_package_format::package::{
    MaxThroughput, MaxThroughputAndMinLatency, MaxThroughputWithLatencyBudget, MinLatency,
    Percentile, Strategy,
};
use nav_package_format::{DType, TensorSpec};
use serde::{Deserialize, Serialize};

use crate::convert::Python;

/// All that can be said of an optimization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The runners to try; all that are ready, if empty.
    pub runners: Vec<String>,
    /// What to choose by: the first that chooses decides.
    pub goals: Vec<Goal>,
    /// The largest batch to try.
    pub max_batch: usize,
    /// Exactly these batches, instead of growing them; none given means growing.
    pub batch_sizes: Vec<usize>,
    /// Threads for each instance to try; what the processor allows, if empty.
    pub threads: Vec<usize>,
    /// Numbers of instances to try; what the processor allows, if empty.
    pub instances: Vec<usize>,
    /// Tolerances in place of the default ones. The first that fits an output is its tolerance.
    pub tolerances: Vec<ToleranceRule>,
    /// What the model takes, where its file does not say that.
    pub inputs: Vec<TensorSpec>,
    /// Ranges of symbolic dimensions, by name.
    pub dims: BTreeMap<String, DimRange>,
    /// Samples: an `.npz` or `.npy` file, or a folder of them. Generated, if none.
    pub data: Option<PathBuf>,
    /// Where generated samples start from.
    pub seed: u64,
    /// How long the whole may take.
    pub time_budget: Duration,
    /// How long a step may take before it counts as hanging; a third of the budget, if none.
    pub step_limit: Option<Duration>,
    /// The most memory that the process of a step may hold; most of what is free, if none.
    pub memory_limit: Option<u64>,
    /// The Python whose `PyTorch` exports models to other formats; nothing is exported, if none.
    pub python: Option<Python>,
    /// How far the true median may be from the one found, as a part of it, 19 times in 20.
    pub uncertainty: f64,
    /// The folder to work in, which is kept; one of the cache, which is removed, if none.
    pub workspace: Option<PathBuf>,
    /// Whether what an earlier run left in the folder is thrown away.
    pub fresh: bool,
    /// Whether there shall be a package even where nothing met the goals.
    pub keep_best: bool,
}

/// The default of [`Settings::max_batch`].
pub const MAX_BATCH: usize = 256;

/// The default of [`Settings::time_budget`].
pub const TIME_BUDGET: Duration = Duration::from_secs(90);

/// The default of [`Settings::uncertainty`].
pub const UNCERTAINTY: f64 = 0.02;

impl Default for Settings {
    fn default() -> Self {
        Self {
            runners: Vec::new(),
            goals: vec![Goal::MaxThroughputAndMinLatency, Goal::MaxThroughput],
            max_batch: MAX_BATCH,
            batch_sizes: Vec::new(),
            threads: Vec::new(),
            instances: Vec::new(),
            tolerances: Vec::new(),
            inputs: Vec::new(),
            dims: BTreeMap::new(),
            data: None,
            seed: 0,
            time_budget: TIME_BUDGET,
            step_limit: None,
            memory_limit: None,
            python: None,
            uncertainty: UNCERTAINTY,
            workspace: None,
            fresh: false,
            keep_best: false,
        }
    }
}

impl Settings {
    /// How long a step may take before it counts as hanging.
    pub fn step_limit(&self) -> Duration {
        let third = self.time_budget / 3;
        self.step_limit.unwrap_or(third).min(self.time_budget)
    }
}

/// What to choose by: the strategies of packages, as data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// The most samples in a second.
    MaxThroughput,
    /// The lowest median latency.
    MinLatency,
    /// One that is best at both.
    MaxThroughputAndMinLatency,
    /// The most samples in a second among batches that are fast enough.
    LatencyBudget {
        /// The budget, in milliseconds.
        budget_ms: f64,
        /// The percentile that must keep to it.
        percentile: Percentile,
    },
}

impl Goal {
    /// The strategy that chooses by it.
    pub fn strategy(self) -> Box<dyn Strategy> {
        match self {
            Self::MaxThroughput => Box::new(MaxThroughput),
            Self::MinLatency => Box::new(MinLatency),
            Self::MaxThroughputAndMinLatency => Box::new(MaxThroughputAndMinLatency),
            Self::LatencyBudget {
                budget_ms,
                percentile,
            } => Box::new(MaxThroughputWithLatencyBudget {
                budget_ms,
                percentile,
            }),
        }
    }
}

/// The extents that a dimension may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimRange {
    /// The smallest.
    pub min: usize,
    /// The largest, which is also what is measured.
    pub max: usize,
}

/// A tolerance that a user set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToleranceRule {
    /// The output that it is for; all, if none.
    pub output: Option<String>,
    /// The element type that it is for; all, if none.
    pub dtype: Option<DType>,
    /// How far an element may be off.
    pub absolute: f64,
    /// How far besides, as a part of the original's.
    pub relative: f64,
}

/// A text that is no range of extents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no extent and no range, which is like 16..128")]
pub struct RangeError {
    /// The text as given.
    pub text: String,
}

impl std::str::FromStr for DimRange {
    type Err = RangeError;

    /// `128`, or `16..128`, both ends included.
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let range = min.parse().ok().zip(max.parse().ok());
        range
            .map(|(min, max)| Self { min, max })
            .filter(|range| 0 < range.min && range.min <= range.max)
            .ok_or_else(|| RangeError {
                text: text.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_one_extent_or_two_in_order() {
        let check = |text: &str, expected: Option<(usize, usize)>| {
            let range: Option<DimRange> = text.parse().ok();
            assert_eq!(
                range.map(|range| (range.min, range.max)),
                expected,
                "{text}"
            );
        };
        check("16..128", Some((16, 128)));
        check("7", Some((7, 7)));
        check("0..4", None);
        check("9..4", None);
        check("..4", None);
        check("many", None);
    }
}
