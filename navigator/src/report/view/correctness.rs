//! How far each output was from the original's.

use nav_package_format::package::record::CORRECTNESS;
use nav_package_format::package::{Comparison, Record};
use serde::Serialize;

use crate::report::words::difference;

/// A variant and its outputs.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Compared {
    variant: String,
    runner: String,
    outputs: Vec<Output>,
}

/// An output.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    name: String,
    dtype: &'static str,
    tolerance: String,
    absolute_limit: String,
    relative_limit: String,
    absolute: String,
    relative: String,
    within: bool,
    worst: Option<String>,
}

/// All that was compared, in the order of the records.
pub(in crate::report) fn correctness(records: &[Record]) -> Vec<Compared> {
    let compared = records
        .iter()
        .filter(|record| record.step == CORRECTNESS && !record.comparisons.is_empty());
    compared
        .map(|record| Compared {
            variant: record.variant.clone(),
            runner: record.runner.clone(),
            outputs: record.comparisons.iter().map(output).collect(),
        })
        .collect()
}

pub(super) fn output(comparison: &Comparison) -> Output {
    let tolerance = &comparison.tolerance;
    Output {
        name: comparison.output.clone(),
        dtype: comparison.dtype.name(),
        tolerance: tolerance.name.clone(),
        absolute_limit: difference(Some(tolerance.absolute)),
        relative_limit: difference(Some(tolerance.relative)),
        absolute: difference(comparison.largest_absolute),
        relative: difference(comparison.largest_relative),
        within: comparison.within,
        worst: comparison.worst.clone(),
    }
}
