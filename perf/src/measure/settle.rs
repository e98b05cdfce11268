//! How sure a measurement is, from slices of it, and whether that is enough. Pure.

use std::time::Duration;

/// The fewest slices that tell anything about how much they vary.
const FEWEST: usize = 5;

/// What a slice of time came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slice {
    /// Answers a second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// How far true values may be from those found, as parts of them, 19 times in 20. Nothing where it cannot be told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Uncertainty {
    /// Of the throughput.
    pub throughput: Option<f64>,
    /// Of the median latency.
    pub p50: Option<f64>,
    /// Of the 99th percentile of the latency.
    pub p99: Option<f64>,
}

impl Uncertainty {
    /// That of a measurement of these slices.
    pub(crate) fn of(slices: &[Slice]) -> Self {
        let seconds = |pick: fn(&Slice) -> Duration| {
            // A slice without an answer has no latency.
            let with_answers = slices.iter().filter(|slice| slice.rate > 0.0);
            of(&with_answers
                .map(|slice| pick(slice).as_secs_f64())
                .collect::<Vec<_>>())
        };
        Self {
            throughput: of(&slices.iter().map(|slice| slice.rate).collect::<Vec<_>>()),
            p50: seconds(|slice| slice.p50),
            p99: seconds(|slice| slice.p99),
        }
    }

    /// Whether throughput and median are known to this part of them.
    pub(crate) fn is_within(&self, goal: f64) -> bool {
        let within = |found: Option<f64>| found.is_some_and(|found| found <= goal);
        within(self.throughput) && within(self.p50)
    }
}

/// Half the interval that holds the true mean 19 times in 20, as a part of the mean.
///
/// Slices that follow each other are alike where something drifts or swings slowly, so neighbours are put together
/// until they no longer are: the widest interval counts.
fn of(values: &[f64]) -> Option<f64> {
    let alone = interval(values)?;
    let mut widest = alone;
    let mut together = values.to_vec();
    while together.len() >= 2 * FEWEST {
        together = together
            .chunks_exact(2)
            .map(|pair| pair.iter().sum::<f64>() / 2.0)
            .collect();
        widest = widest.max(interval(&together)?);
    }
    Some(widest)
}

fn interval(values: &[f64]) -> Option<f64> {
    if values.len() < FEWEST {
        return None;
    }
    let count = as_float(values.len());
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0)).sqrt() / count.sqrt();
    Some(student(values.len() - 1) * error / mean).filter(|part| part.is_finite())
}

/// How many deviations of a mean hold 19 in 20, with so many degrees of freedom.
fn student(freedom: usize) -> f64 {
    const KNOWN: [f64; 9] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262,
    ];
    let known = freedom.checked_sub(1).and_then(|place| KNOWN.get(place));
    // Within a hundredth from ten on.
    known
        .copied()
        .unwrap_or_else(|| 1.96 + 2.4 / as_float(freedom) + 4.5 / as_float(freedom).powi(2))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(rates: impl IntoIterator<Item = f64>) -> Vec<Slice> {
        let slice = |rate: f64| Slice {
            rate,
            p50: Duration::from_secs_f64(1.0 / rate.max(1.0)),
            p99: Duration::from_secs_f64(2.0 / rate.max(1.0)),
        };
        rates.into_iter().map(slice).collect()
    }

    #[test]
    fn few_slices_tell_nothing() {
        assert_eq!(Uncertainty::of(&slices([100.0; 4])), Uncertainty::default());
        assert!(!Uncertainty::default().is_within(1.0));
    }

    #[test]
    fn slices_that_agree_are_sure_and_others_are_not() {
        let check = |rates: &[f64], within: bool| {
            let found = Uncertainty::of(&slices(rates.iter().copied()));
            assert_eq!(found.is_within(0.02), within, "{rates:?}: {found:?}");
        };
        check(&[100.0; 6], true);
        check(
            &[100.0, 101.0, 99.0, 100.0, 100.0, 101.0, 99.0, 100.0],
            true,
        );
        check(&[100.0, 120.0, 80.0, 100.0, 100.0], false);
        check(&[0.0; 8], false);
    }

    #[test]
    fn what_drifts_is_less_sure_than_what_only_varies() {
        let drifting: Vec<f64> = (0..40).map(|step| 100.0 + f64::from(step)).collect();
        let mut varying = drifting.clone();
        // The same values, high and low in turns.
        varying.sort_by(|one, other| (one % 7.0).total_cmp(&(other % 7.0)));
        let of = |rates: Vec<f64>| Uncertainty::of(&slices(rates)).throughput.unwrap();
        assert!(of(drifting) > 1.5 * of(varying));
    }

    #[test]
    fn intervals_are_those_of_small_samples() {
        // Deviation 1, five values: 2.776 / sqrt(5) of a mean of 10.
        let found = interval(&[9.0, 9.0, 10.0, 11.0, 11.0]).unwrap();
        assert!(
            (found - 0.1 * 2.776 / 5.0_f64.sqrt()).abs() < 1e-9,
            "{found}"
        );
        // Known values of the distribution.
        for (freedom, expected) in [(10, 2.228), (20, 2.086), (30, 2.042), (100, 1.984)] {
            assert!((student(freedom) - expected).abs() < 0.02, "{freedom}");
        }
    }
}
