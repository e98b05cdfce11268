//! The median and how sure it is, whatever the distribution: from the order of the samples alone.

/// A median and the interval that holds the true one 19 times in 20.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The upper end.
    pub high: f64,
}

/// The fewest samples whose range holds the true median 19 times in 20: `1 - 2 / 2^6`.
pub(super) const FEWEST: usize = 6;

impl Interval {
    /// Half its width, as a part of the median.
    pub fn relative_half_width(&self) -> f64 {
        if self.median > 0.0 {
            (self.high - self.low) / 2.0 / self.median
        } else {
            f64::INFINITY
        }
    }
}

/// The interval of the median of sorted samples; none where they are too few to tell.
///
/// The number of samples below the true median is binomial with `p = 1/2`, so the samples at ranks
/// `n/2 -+ 1.96 * sqrt(n)/2` enclose it. The normal approximation is a rank too narrow at most for few
/// samples, so the ranks are rounded outward.
pub fn median_interval(sorted: &[f64]) -> Option<Interval> {
    let count = sorted.len();
    if count < FEWEST {
        return None;
    }
    // Ranks count from one, and places from zero.
    let place = (count / 2).saturating_sub(reach(count) + 1);
    Some(Interval {
        low: *sorted.get(place)?,
        median: median(sorted)?,
        high: *sorted.get(count - 1 - place)?,
    })
}

/// How many ranks to either side of the middle: `ceil(1.96 * sqrt(n) / 2)`.
fn reach(count: usize) -> usize {
    // In whole numbers: the least r with (2r)^2 >= 1.96^2 n = 3.8416 n.
    let squared = count.saturating_mul(38_416).div_ceil(10_000);
    let root = squared.isqrt();
    let root = if root * root < squared {
        root + 1
    } else {
        root
    };
    root.div_ceil(2)
}

/// The middle of sorted samples.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let count = sorted.len();
    let upper = *sorted.get(count / 2)?;
    if count % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get((count / 2).checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The chance that a binomial of `n` and 1/2 is below `k`.
    fn below(k: usize, n: usize) -> f64 {
        let mut term = 0.5_f64.powi(i32::try_from(n).unwrap());
        let mut sum = 0.0;
        for i in 0..k {
            sum += term;
            term *=
                f64::from(u32::try_from(n - i).unwrap()) / f64::from(u32::try_from(i + 1).unwrap());
        }
        sum
    }

    #[test]
    fn the_interval_holds_the_median_nineteen_times_in_twenty_for_every_count() {
        for count in FEWEST..400 {
            let sorted: Vec<f64> = (0..count)
                .map(|rank| f64::from(u32::try_from(rank).unwrap()))
                .collect();
            let interval = median_interval(&sorted).unwrap();
            // Samples are their own ranks, so the ends of the interval are the ranks taken.
            let low = sorted.iter().position(|&it| it >= interval.low).unwrap();
            let high = sorted.iter().position(|&it| it >= interval.high).unwrap();
            // It misses when at most `low` samples are below the median, or when at most as many are above it.
            let missed = below(low + 1, count) + below(count - high, count);
            // 0.05 is met but for the roundings of the approximation.
            assert!(missed <= 0.0501, "{count}: {missed}");
        }
    }

    #[test]
    fn few_samples_tell_nothing_and_equal_ones_everything() {
        assert_eq!(median_interval(&[1.0; 5]), None);
        let interval = median_interval(&[2.0; 6]).unwrap();
        assert!(interval.relative_half_width() < f64::EPSILON);
        let spread = median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((spread.low, spread.median, spread.high), (1.0, 3.5, 6.0));
    }

    proptest! {
        #[test]
        fn outliers_move_the_interval_little(samples in prop::collection::vec(1.0_f64..2.0, 40..100), outlier in 10.0_f64..1e6) {
            let mut sorted = samples;
            sorted.push(outlier);
            sorted.sort_by(f64::total_cmp);
            let interval = median_interval(&sorted).unwrap();
            prop_assert!(interval.low <= interval.median && interval.median <= interval.high);
            prop_assert!(interval.high < 2.0);
        }
    }
}
