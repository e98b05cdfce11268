//! How durations are spread: buckets that grow with the duration, each at most a quarter wider than the last.
//!
//! Counts only; knows nothing of what is measured.

use std::time::Duration;

/// Steps within a doubling.
const STEPS: usize = 4;

/// Doublings, from a microsecond to more than an hour.
const DOUBLINGS: usize = 33;

const BUCKETS: usize = STEPS * DOUBLINGS;

/// A count of durations in each of 132 buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Box<[u64; BUCKETS]>,
    count: u64,
    sum_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new([0; BUCKETS]),
            count: 0,
            sum_ns: 0,
        }
    }
}

impl Histogram {
    /// Counts this duration.
    pub fn add(&mut self, duration: Duration) {
        if let Some(count) = self.counts.get_mut(bucket(duration)) {
            *count += 1;
        }
        self.count += 1;
        self.sum_ns = self.sum_ns.saturating_add(nanoseconds(duration));
    }

    /// Adds all that another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts.iter()) {
            *count += more;
        }
        self.count += other.count;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// How many durations were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub const fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns)
    }

    /// Upper ends of buckets, and how many durations are not longer. The last bucket has no end of its own
    /// and is not among them.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut sum = 0;
        let inner = self.counts.iter().take(BUCKETS - 1).enumerate();
        inner.map(move |(bucket, count)| {
            sum += count;
            (upper_end(bucket), sum)
        })
    }

    /// A duration that this share of all durations does not exceed, rounded up to the end of its bucket;
    /// none when there are no durations.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count is rounded by less than a bucket is wide, and is not negative"
        )]
        let wanted = ((self.count as f64) * share.clamp(0.0, 1.0))
            .ceil()
            .max(1.0) as u64;
        let found = self.cumulative().find(|(_, sum)| *sum >= wanted);
        Some(found.map_or(Duration::MAX, |(end, _)| end))
    }
}

/// A duration in nanoseconds, as far as they can be counted.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The first bucket ends at a microsecond; those of each doubling are equally wide.
fn bucket(duration: Duration) -> usize {
    let micros = u64::try_from(duration.as_nanos().div_ceil(250)).unwrap_or(u64::MAX);
    // In quarters of a microsecond: 0 to 4 is the first bucket, and 4 begins the first doubling.
    let Some(above) = micros.checked_sub(1).filter(|above| *above >= STEPS as u64) else {
        return 0;
    };
    let doubling = above.ilog2() - 2;
    let step = (above >> doubling) & 3;
    let bucket = 1 + STEPS * doubling as usize + usize::try_from(step).unwrap_or(0);
    bucket.min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> Duration {
    let Some(above) = bucket.checked_sub(1) else {
        return Duration::from_micros(1);
    };
    let quarters = ((STEPS + above % STEPS + 1) as u64) << (above / STEPS);
    Duration::from_nanos(quarters.saturating_mul(250))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_lie_side_by_side() {
        for index in 0..BUCKETS - 1 {
            let end = upper_end(index);
            assert_eq!(bucket(end), index, "{end:?}");
            assert_eq!(bucket(end + Duration::from_nanos(1)), index + 1, "{end:?}");
        }
        assert!(upper_end(BUCKETS - 2) > Duration::from_hours(1));
    }

    #[test]
    fn quantiles_are_ends_of_buckets() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for micros in 1..=100 {
            histogram.add(Duration::from_micros(micros));
        }
        let check = |share, expected| {
            assert_eq!(
                histogram.quantile(share),
                Some(Duration::from_micros(expected))
            );
        };
        check(0.0, 1);
        check(0.5, 56);
        check(1.0, 112);
        assert_eq!(histogram.sum(), Duration::from_micros(5050));
    }

    proptest! {
        #[test]
        fn a_bucket_is_a_quarter_wide_at_most(nanos in 1000_u64..3_000_000_000_000) {
            let duration = Duration::from_nanos(nanos);
            let end = upper_end(bucket(duration));
            prop_assert!(end >= duration);
            prop_assert!(end.as_nanos() <= u128::from(nanos) * 5 / 4 + 250);
        }

        #[test]
        fn merging_adds_up(one in prop::collection::vec(any::<u32>(), 0..20), other in prop::collection::vec(any::<u32>(), 0..20)) {
            let of = |nanos: &[u32]| {
                let mut histogram = Histogram::default();
                for &it in nanos {
                    histogram.add(Duration::from_nanos(it.into()));
                }
                histogram
            };
            let mut merged = of(&one);
            merged.merge(&of(&other));
            prop_assert_eq!(merged, of(&[one, other].concat()));
        }
    }
}
