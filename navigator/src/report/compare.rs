//! What a comparison of variants says in numbers, whoever tells it: which batch stands for a variant, how much
//! faster it is than the untouched model, and how far off it was.

use std::fmt;

use nav_package_format::package::record::CORRECTNESS;
use nav_package_format::package::{Choice, Comparison, Evaluation, Measurement, Outcome, Record};

/// The measurement of most throughput.
pub fn busiest(evaluation: &Evaluation) -> Option<&Measurement> {
    let higher =
        |one: &&Measurement, other: &&Measurement| one.throughput.total_cmp(&other.throughput);
    let plain = |one: &&Measurement| one.throughput.is_finite();
    evaluation.measurements.iter().filter(plain).max_by(higher)
}

/// What the others are compared with: the first that was measured, which is the untouched model where that
/// could be.
pub fn untouched(evaluations: &[Evaluation]) -> Option<&Evaluation> {
    evaluations
        .iter()
        .find(|evaluation| busiest(evaluation).is_some())
}

/// What a measurement is compared with: the untouched model at the same batch, or at its best where it was not
/// measured at that batch.
pub fn alongside<'a>(
    untouched: &'a Evaluation,
    measurement: &Measurement,
) -> Option<&'a Measurement> {
    let same = |one: &&Measurement| one.batch == measurement.batch && one.throughput.is_finite();
    let at_the_same_batch = untouched.measurements.iter().find(same);
    at_the_same_batch.or_else(|| busiest(untouched))
}

/// How much more throughput there is than the untouched model has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedUp {
    /// How many times as much.
    pub ratio: f64,
    /// Whether either of the two measurements is.
    pub noisy: bool,
}

impl SpeedUp {
    /// In words, with this sign for `times`; a tilde marks what is noisy.
    pub fn text(self, times: char) -> String {
        let mark = if self.noisy { "~" } else { "" };
        format!("{mark}{:.2}{times}", self.ratio)
    }
}

/// What a measurement is to that of the untouched model.
pub fn speed_up(measurement: &Measurement, untouched: &Evaluation) -> Option<SpeedUp> {
    let against = alongside(untouched, measurement)?;
    let ratio = measurement.throughput / against.throughput;
    let noisy = measurement.noisy || against.noisy;
    ratio.is_finite().then_some(SpeedUp { ratio, noisy })
}

/// Whether this is what was chosen.
pub fn is_chosen(
    choice: Option<&Choice>,
    evaluation: &Evaluation,
    measurement: &Measurement,
) -> bool {
    choice.is_some_and(|choice| {
        choice.runtime.is_of(evaluation) && choice.measurement == *measurement
    })
}

/// What did not end well of a variant, in the order in which it was attempted.
pub fn went_wrong<'a>(
    records: &'a [Record],
    evaluation: &'a Evaluation,
) -> impl Iterator<Item = &'a Record> {
    records.iter().filter(|record| {
        record.outcome != Outcome::Ok && record.is_of(&evaluation.variant, &evaluation.runner)
    })
}

/// The measurement that stands for a variant: the chosen one, or the one of most throughput.
pub fn told<'a>(choice: Option<&Choice>, evaluation: &'a Evaluation) -> Option<&'a Measurement> {
    let chosen = evaluation
        .measurements
        .iter()
        .find(|one| is_chosen(choice, evaluation, one));
    chosen.or_else(|| busiest(evaluation))
}

/// The largest differences from the original, over all outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LargestError {
    /// The absolute one.
    pub absolute: Option<f64>,
    /// The one relative to the original.
    pub relative: Option<f64>,
}

/// How far a variant was from the original, at the most.
pub fn largest_error(records: &[Record], evaluation: &Evaluation) -> LargestError {
    let own = records.iter().filter(|record| {
        record.step == CORRECTNESS && record.is_of(&evaluation.variant, &evaluation.runner)
    });
    let comparisons: Vec<&Comparison> = own.flat_map(|record| &record.comparisons).collect();
    let largest = |of: fn(&Comparison) -> Option<f64>| {
        comparisons
            .iter()
            .filter_map(|comparison| of(comparison))
            .reduce(f64::max)
    };
    LargestError {
        absolute: largest(|comparison| comparison.largest_absolute),
        relative: largest(|comparison| comparison.largest_relative),
    }
}

/// Nothing where nothing was compared.
impl fmt::Display for LargestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.absolute, self.relative) {
            (Some(0.0), _) => f.write_str("none"),
            (Some(absolute), Some(relative)) => {
                write!(f, "{absolute:.1e} abs, {relative:.1e} rel")
            }
            (Some(absolute), None) => write!(f, "{absolute:.1e} abs"),
            (None, _) => Ok(()),
        }
    }
}

/// Milliseconds with three digits that say something.
pub fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_is_compared_with_like_as_far_as_it_was_measured() {
        let measured = |batch, throughput| Measurement {
            batch: Some(batch),
            throughput,
            noisy: batch == 16,
            ..Measurement::default()
        };
        let slow = Evaluation {
            measurements: vec![measured(1, 100.0), measured(8, 400.0), measured(16, 300.0)],
            ..Evaluation::default()
        };
        let evaluations = [Evaluation::default(), slow];
        let untouched = untouched(&evaluations).unwrap();
        let check = |batch, throughput, expected: Option<&str>| {
            let found = speed_up(&measured(batch, throughput), untouched);
            let found = found.map(|found| found.text('x'));
            assert_eq!(found.as_deref(), expected);
        };
        check(1, 150.0, Some("1.50x"));
        // What it is compared with is noisy.
        check(16, 300.0, Some("~1.00x"));
        check(32, 600.0, Some("1.50x"));
        check(1, f64::INFINITY, None);
    }

    #[test]
    fn milliseconds_have_three_digits() {
        let check = |value: f64, expected: &str| assert_eq!(milliseconds(value), expected);
        check(0.0401, "0.040");
        check(1.234, "1.23");
        check(12.34, "12.3");
        check(1234.5, "1234");
    }
}
