//! When requests are sent. Pure: times come in, times go out.

use std::time::Duration;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many at a time, each as soon as one before it was answered.
    Closed {
        /// How many at a time.
        concurrency: usize,
    },
    /// So many a second, whatever became of those before.
    Open {
        /// How many a second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
        /// The most that may be under way on connections of their own; others wait for one, and that counts.
        connections: usize,
    },
}

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrivals {
    /// As evenly as can be.
    Constant,
    /// Independently of each other, as those of many clients are.
    Poisson,
}

/// The times at which requests are due, since the beginning.
#[derive(Clone, Debug)]
pub(crate) struct Dues {
    gap: f64,
    arrivals: Arrivals,
    random: u64,
    next: f64,
}

impl Load {
    /// How many connections it may take.
    pub const fn connections(&self) -> usize {
        match self {
            Self::Closed { concurrency } => *concurrency,
            Self::Open { connections, .. } => *connections,
        }
    }

    /// What one of so many threads has to do of it.
    pub(crate) fn share(&self, thread: usize, threads: usize) -> Self {
        let part = |all: usize| all / threads + usize::from(thread < all % threads);
        match *self {
            Self::Closed { concurrency } => Self::Closed {
                concurrency: part(concurrency),
            },
            Self::Open {
                rate,
                arrivals,
                connections,
            } => Self::Open {
                rate: rate / as_float(threads),
                arrivals,
                connections: part(connections).max(1),
            },
        }
    }
}

impl Dues {
    /// So many a second on each of so many threads, this being one of them.
    pub(crate) fn new(rate: f64, arrivals: Arrivals, (thread, threads): (usize, usize)) -> Self {
        let gap = 1.0 / rate;
        let mut dues = Self {
            gap,
            arrivals,
            random: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread as u64 + 1),
            next: gap * as_float(thread) / as_float(threads),
        };
        if arrivals == Arrivals::Poisson {
            dues.next = dues.wait();
        }
        dues
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Duration {
        Duration::try_from_secs_f64(self.next).unwrap_or(Duration::MAX)
    }

    /// On to the one after.
    pub(crate) fn advance(&mut self) {
        self.next += self.wait();
    }

    fn wait(&mut self) -> f64 {
        match self.arrivals {
            Arrivals::Constant => self.gap,
            // The time between arrivals that know nothing of each other.
            Arrivals::Poisson => -self.gap * (1.0 - self.uniform()).ln(),
        }
    }

    /// A number of `0..1`, by `SplitMix64`.
    fn uniform(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The upper 53 bits are all that a number of this type holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let number = (mixed >> 11) as f64;
        number * f64::EPSILON / 2.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rate: f64, arrivals: Arrivals, count: usize) -> Vec<f64> {
        let mut dues = Dues::new(rate, arrivals, (0, 1));
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(dues.next().as_secs_f64());
            dues.advance();
        }
        times
    }

    #[test]
    fn a_constant_rate_is_even() {
        assert_eq!(times(4.0, Arrivals::Constant, 4), [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn threads_take_turns() {
        let first = |thread| Dues::new(2.0, Arrivals::Constant, (thread, 2)).next();
        assert_eq!(first(0), Duration::ZERO);
        assert_eq!(first(1), Duration::from_millis(250));
    }

    #[test]
    fn arrivals_that_know_nothing_of_each_other_vary_as_much_as_they_take() {
        let times = times(100.0, Arrivals::Poisson, 20_001);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let count = f64::from(20_000_u32);
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        assert!((mean * 100.0 - 1.0).abs() < 0.03, "{mean}");
        // The deviation of an exponential distribution is its mean.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn shares_come_to_the_whole() {
        let check = |load: Load, threads: usize| {
            let shares: Vec<Load> = (0..threads).map(|it| load.share(it, threads)).collect();
            let connections: usize = shares.iter().map(Load::connections).sum();
            assert_eq!(connections, load.connections());
        };
        check(Load::Closed { concurrency: 7 }, 3);
        let open = Load::Open {
            rate: 10.0,
            arrivals: Arrivals::Constant,
            connections: 5,
        };
        check(open, 2);
    }
}
