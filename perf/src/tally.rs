//! What became of requests, counted: latencies in a histogram, failures by kind.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::failure::{Failed, Failure};

/// The longest latency that is told apart from longer ones: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;
/// The shortest that are told apart: what a clock is read in.
const SHORTEST: u64 = 64;
/// Digits that are kept of a latency.
const DIGITS: u8 = 3;

/// Latencies, to three digits.
#[derive(Clone, Default)]
pub struct Latencies {
    /// In nanoseconds. None until the first, as a histogram takes memory.
    counts: Option<Histogram<u64>>,
}

/// Failures of one kind.
#[derive(Clone, Debug)]
pub struct FailureTally {
    /// How many.
    pub count: u64,
    /// One of them.
    pub example: Failed,
    /// Those that say when to come back.
    pub says_when: u64,
    /// How long they took.
    pub latencies: Latencies,
}

/// What became of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Those that were answered.
    pub(crate) answered: Latencies,
    /// Of those with several responses, the time to the first.
    pub(crate) first: Latencies,
    /// Responses, of which a request may get several.
    pub(crate) responses: u64,
    /// Those that were not.
    pub(crate) failures: BTreeMap<Failure, FailureTally>,
}

impl std::fmt::Debug for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Thousands of counts would say less.
        write!(
            f,
            "{} latencies around {:?}",
            self.count(),
            self.quantile(0.5)
        )
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(counts) = self.made() {
            counts.saturating_record(nanoseconds.clamp(SHORTEST, LONGEST));
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        let Some(theirs) = &other.counts else {
            return;
        };
        if let Some(ours) = self.made() {
            // Both have the same bounds, so that nothing of one is beyond the other.
            ours.add(theirs).ok();
        }
    }

    /// Nothing is wrong with the bounds, so there always is one.
    fn made(&mut self) -> Option<&mut Histogram<u64>> {
        if self.counts.is_none() {
            self.counts = Histogram::new_with_bounds(SHORTEST, LONGEST, DIGITS).ok();
        }
        self.counts.as_mut()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.as_ref().map_or(0, Histogram::len)
    }

    /// What this part of all is not above; nothing where there are none.
    pub fn quantile(&self, part: f64) -> Duration {
        let counts = self.counts.as_ref();
        Duration::from_nanos(counts.map_or(0, |counts| counts.value_at_quantile(part)))
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        let mean = self.counts.as_ref().map_or(0.0, Histogram::mean);
        Duration::try_from_secs_f64(mean / 1e9).unwrap_or_default()
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.counts.as_ref().map_or(0, Histogram::max))
    }
}

impl Tally {
    pub(crate) fn failed(&mut self, failed: Failed, latency: Duration) {
        let says_when = u64::from(failed.says_when);
        let tally = self
            .failures
            .entry(failed.kind)
            .or_insert_with(|| FailureTally {
                count: 0,
                example: failed,
                says_when: 0,
                latencies: Latencies::default(),
            });
        tally.count += 1;
        tally.says_when += says_when;
        tally.latencies.record(latency);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.answered.add(&other.answered);
        self.first.add(&other.first);
        self.responses += other.responses;
        for (kind, theirs) in &other.failures {
            let Some(ours) = self.failures.get_mut(kind) else {
                self.failures.insert(*kind, theirs.clone());
                continue;
            };
            ours.count += theirs.count;
            ours.says_when += theirs.says_when;
            ours.latencies.add(&theirs.latencies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(milliseconds: impl IntoIterator<Item = u64>) -> Latencies {
        let mut made = Latencies::default();
        for one in milliseconds {
            made.record(Duration::from_millis(one));
        }
        made
    }

    #[test]
    fn quantiles_are_right_to_three_digits() {
        let all = latencies(1..=1000);
        let check = |part: f64, milliseconds: f64| {
            let found = all.quantile(part).as_secs_f64() * 1e3;
            assert!((found / milliseconds - 1.0).abs() < 1e-3, "{part}: {found}");
        };
        check(0.5, 500.0);
        check(0.99, 990.0);
        check(1.0, 1000.0);
        assert_eq!(all.count(), 1000);
    }

    #[test]
    fn none_have_no_latency_and_those_of_many_threads_add_up() {
        let mut sum = Latencies::default();
        assert_eq!((sum.count(), sum.quantile(0.5)), (0, Duration::ZERO));
        sum.add(&latencies([1, 2]));
        sum.add(&latencies([3]));
        assert_eq!(sum.count(), 3);
    }

    #[test]
    fn failures_are_counted_by_kind_with_an_example() {
        let mut tally = Tally::default();
        let refusal = |why: &str, says_when| Failed {
            says_when,
            ..Failed::new(Failure::Status(503), why)
        };
        tally.failed(refusal("full", true), Duration::from_millis(1));
        tally.failed(refusal("still full", false), Duration::from_millis(2));
        let mut sum = tally.clone();
        sum.add(&tally);
        let of = &sum.failures[&Failure::Status(503)];
        assert_eq!((of.count, of.says_when), (4, 2));
        assert_eq!(of.example.to_string(), "status 503: full");
    }
}
