//! Which letter, shape and colour stands for which variant.

use serde::Serialize;

use crate::report::chart::{Drawn, marker};

/// A variant that is drawn.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Entry {
    look: String,
    marker: String,
    letter: char,
    variant: String,
    runner: String,
    /// Why it may not be chosen.
    objection: Option<String>,
}

/// The variants that are drawn.
pub(in crate::report) fn legend(drawn: &Drawn<'_>) -> Vec<Entry> {
    let entries = drawn.series.iter().map(|series| Entry {
        look: format!("s{}", series.place),
        marker: marker(series.place, (16.0, 8.0), 4.5),
        letter: series.letter,
        variant: series.evaluation.variant.clone(),
        runner: series.evaluation.runner.clone(),
        objection: series.evaluation.objection(),
    });
    entries.collect()
}
