//! Which variants are drawn, and by which letter they are told.

use nav_package_format::package::{Choice, Evaluation, Measurement};

use super::marker::SHAPES;
use crate::report::compare::{busiest, untouched};

/// A variant that is drawn.
#[derive(Clone, Debug)]
pub(in crate::report) struct Series<'a> {
    /// Its place among those that are drawn, which decides how it looks.
    pub(in crate::report) place: usize,
    /// Its letter.
    pub(in crate::report) letter: char,
    /// The variant.
    pub(in crate::report) evaluation: &'a Evaluation,
    /// What can be drawn of it, by batch.
    pub(in crate::report) points: Vec<&'a Measurement>,
    /// Whether it may be chosen.
    pub(in crate::report) eligible: bool,
}

/// The variants that are drawn, and how many there are.
#[derive(Clone, Debug)]
pub(in crate::report) struct Drawn<'a> {
    /// The variants, the best first.
    pub(in crate::report) series: Vec<Series<'a>>,
    /// How many were measured.
    pub(in crate::report) measured: usize,
}

impl<'a> Drawn<'a> {
    /// The letter of an evaluation that is drawn.
    pub(in crate::report) fn letter(&self, evaluation: &Evaluation) -> Option<char> {
        let own = |series: &&Series<'_>| std::ptr::eq(series.evaluation, evaluation);
        self.series.iter().find(own).map(|series| series.letter)
    }

    /// Whether more than one batch was measured, so that there is something to draw against it.
    pub(in crate::report) fn has_batches(&self) -> bool {
        let mut batches = self.points().map(|point| point.batch);
        let first = batches.next();
        batches.any(|batch| Some(batch) != first)
    }

    /// How to read intervals, if there are any.
    pub(super) fn about_intervals(&self, drawn_as: &str) -> String {
        if self.points().any(|point| point.uncertainty.is_some()) {
            format!("{drawn_as} reach as far as the true value may be, 19 times in 20.")
        } else {
            "How far the true values may be from these is not recorded.".to_owned()
        }
    }

    /// All points of all series.
    pub(super) fn points(&self) -> impl Iterator<Item = &'a Measurement> {
        self.series
            .iter()
            .flat_map(|series| series.points.iter().copied())
    }

    /// The highest throughput that is drawn, with what it may truly be.
    pub(super) fn highest_throughput(&self) -> f64 {
        let values = self
            .points()
            .map(|point| interval(point, point.throughput).1);
        values.fold(0.0, f64::max)
    }
}

/// What can be drawn: numbers above zero.
pub(super) fn is_drawable(measurement: &Measurement) -> bool {
    let latency = &measurement.latency;
    [measurement.throughput, latency.p50_ms]
        .iter()
        .all(|value| value.is_finite() && *value > 0.0)
}

/// Where the true value is, 19 times in 20.
pub(super) fn interval(measurement: &Measurement, value: f64) -> (f64, f64) {
    let part = measurement.uncertainty.unwrap_or_default();
    let part = if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        0.0
    };
    (value * (1.0 - part), value * (1.0 + part))
}

/// The chosen variant, the untouched one and what did as well are drawn always; then those of most throughput,
/// those that may be chosen before the others.
pub(in crate::report) fn select<'a>(
    evaluations: &'a [Evaluation],
    choice: Option<&Choice>,
) -> Drawn<'a> {
    let untouched = untouched(evaluations);
    let rank = |evaluation: &Evaluation| {
        let is = |runtime: &nav_package_format::package::Runtime| runtime.is_of(evaluation);
        match choice {
            Some(choice) if is(&choice.runtime) => 0,
            _ if untouched.is_some_and(|one| std::ptr::eq(one, evaluation)) => 1,
            Some(choice) if choice.ties.iter().any(is) => 2,
            _ if evaluation.objection().is_none() => 3,
            _ => 4,
        }
    };
    let most = |evaluation: &Evaluation| busiest(evaluation).map_or(0.0, |most| most.throughput);
    let measured = evaluations
        .iter()
        .filter(|evaluation| evaluation.measurements.iter().any(is_drawable));
    let mut measured: Vec<(usize, &Evaluation)> = measured
        .map(|evaluation| (rank(evaluation), evaluation))
        .collect();
    measured.sort_by(|(rank, one), (other_rank, other)| {
        let by_throughput = most(other).total_cmp(&most(one));
        rank.cmp(other_rank).then(by_throughput)
    });
    let count = measured.len();
    let drawn = measured.into_iter().take(SHAPES).zip('A'..).enumerate();
    let series = drawn.map(|(place, ((_, evaluation), letter))| {
        let points = evaluation.measurements.iter();
        let mut points: Vec<&Measurement> = points.filter(|point| is_drawable(point)).collect();
        points.sort_by_key(|point| point.batch);
        Series {
            place,
            letter,
            evaluation,
            points,
            eligible: evaluation.objection().is_none(),
        }
    });
    Drawn {
        series: series.collect(),
        measured: count,
    }
}
