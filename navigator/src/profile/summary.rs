//! From samples to a measurement: the median is the centre, outliers stay in the percentiles.

use nav_package_format::package::{Latency, Measurement, PercentileBounds};

use super::interval::{median, median_interval};

/// What makes the spread of medians an estimate of a standard deviation, for normal samples.
const DEVIATIONS_OF_SPREAD: f64 = 1.4826;

/// How many deviations hold 19 in 20, and how much less a median tells than a mean.
const REACH: f64 = 1.96 * 1.2533;

/// The measurement of one batch, of the latencies in milliseconds of each slice. `instances` sessions ran side
/// by side. None where nothing was measured.
pub fn summarize(
    slices: &[Vec<f64>],
    batch: Option<usize>,
    instances: usize,
    goal: f64,
) -> Option<Measurement> {
    let mut sorted: Vec<f64> = slices.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let centre = median(&sorted)?;
    let mean = sorted.iter().sum::<f64>() / as_float(sorted.len());
    let squares = sorted
        .iter()
        .map(|sample| (sample - mean).powi(2))
        .sum::<f64>();
    let uncertainty = uncertainty(slices, &sorted);
    let at = |percent: usize| percentile(&sorted, percent);
    let samples = as_float(batch.unwrap_or(1) * instances);
    Some(Measurement {
        batch,
        latency: Latency {
            mean_ms: mean,
            deviation_ms: (squares / as_float(sorted.len())).sqrt(),
            p50_ms: centre,
            p90_ms: at(90),
            p95_ms: at(95),
            p99_ms: at(99),
        },
        throughput: samples * 1e3 / centre.max(f64::MIN_POSITIVE),
        requests: sorted.len() as u64,
        uncertainty,
        at_most: Some(PercentileBounds {
            p50_ms: at_most(&sorted, 50),
            p90_ms: at_most(&sorted, 90),
            p95_ms: at_most(&sorted, 95),
            p99_ms: at_most(&sorted, 99),
        }),
        noisy: uncertainty.is_none_or(|uncertainty| uncertainty > goal),
    })
}

/// How far the true median may be, as a part of the one found. Samples of one slice are alike, so their number
/// alone would promise too much: the medians of the slices must agree too.
fn uncertainty(slices: &[Vec<f64>], sorted: &[f64]) -> Option<f64> {
    let within = median_interval(sorted)?.relative_half_width();
    let mut medians: Vec<f64> = slices.iter().filter_map(|slice| median_of(slice)).collect();
    medians.sort_by(f64::total_cmp);
    let centre = median(&medians)?;
    let mut spread: Vec<f64> = medians.iter().map(|one| (one - centre).abs()).collect();
    spread.sort_by(f64::total_cmp);
    let deviation = median(&spread)? * DEVIATIONS_OF_SPREAD;
    let between = REACH * deviation / as_float(medians.len()).sqrt() / centre;
    Some(within.max(between)).filter(|uncertainty| uncertainty.is_finite())
}

fn median_of(slice: &[f64]) -> Option<f64> {
    let mut sorted = slice.to_vec();
    sorted.sort_by(f64::total_cmp);
    median(&sorted)
}

/// The sample that so many in a hundred are not above.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).copied().unwrap_or_default()
}

/// What the true percentile is not above, 19 times in 20: how many samples are below it is binomial, so it is
/// the sample `1.645` deviations further up. The largest, where there are too few samples to reach so far.
fn at_most(sorted: &[f64], percent: usize) -> f64 {
    let count = sorted.len();
    // In whole numbers: 1.645^2 = 2.706, and a variance of n p (1 - p).
    let variance = count
        .saturating_mul(percent * (100 - percent) * 2706)
        .div_ceil(10_000_000);
    let further = variance.isqrt() + usize::from(variance.isqrt().pow(2) < variance);
    let rank = (count * percent).div_ceil(100) + further;
    let place = rank.min(count).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(rows: &[&[f64]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn outliers_are_in_the_percentiles_and_not_in_the_centre() {
        let mut row = vec![2.0; 98];
        row.extend([500.0, 700.0]);
        let found = summarize(&[row], Some(4), 2, 0.02).unwrap();
        assert!((found.latency.p50_ms - 2.0).abs() < 1e-9);
        assert!((found.latency.p99_ms - 500.0).abs() < 1e-9);
        assert!(found.latency.mean_ms > 10.0);
        // 4 samples in each of 2 sessions every 2 ms.
        assert!((found.throughput - 4000.0).abs() < 1e-6);
        assert_eq!((found.requests, found.noisy), (100, false));
    }

    #[test]
    fn bounds_lie_above_the_percentiles_as_far_as_the_samples_reach() {
        let sorted: Vec<f64> = (1..=1000_u32).map(f64::from).collect();
        // 500 + 1.645 * sqrt(250) = 526.01, 990 + 1.645 * sqrt(9.9) = 995.2.
        assert!((at_most(&sorted, 50) - 527.0).abs() < 1e-9);
        assert!((at_most(&sorted, 99) - 996.0).abs() < 1e-9);
        assert!((at_most(&sorted[..50], 99) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn slices_that_disagree_are_uncertain_however_many_samples_they_have() {
        let uncertainty = |rows: &[&[f64]]| {
            let found = summarize(&slices(rows), None, 1, 0.02).unwrap();
            (found.uncertainty.unwrap_or(1.0) > 0.02, found.noisy)
        };
        let (one, two) = ([1.0; 50], [1.2; 50]);
        assert_eq!(uncertainty(&[&one, &one, &one]), (false, false));
        assert_eq!(
            uncertainty(&[&one, &two, &one, &two, &[1.1; 50]]),
            (true, true)
        );
    }

    #[test]
    fn few_samples_are_a_noisy_result_and_none_are_none() {
        let found = summarize(&slices(&[&[3.0, 4.0]]), None, 1, 0.02).unwrap();
        assert_eq!((found.uncertainty, found.noisy), (None, true));
        assert!((found.latency.p50_ms - 3.5).abs() < 1e-9);
        assert_eq!(summarize(&[], None, 1, 0.02), None);
    }
}
