//! What a thread of the generator costs itself: time on a processor, and time that it waited for one.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What a thread took since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnUse {
    /// On a processor.
    pub(crate) busy: Duration,
    /// Ready to go on, and without a processor.
    pub(crate) starved: Duration,
}

impl OwnUse {
    /// What this thread took so far.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Self::of(&text).unwrap_or_else(|| {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
            Self {
                busy: Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds),
                starved: Duration::ZERO,
            }
        })
    }

    /// As the system tells it: two times in nanoseconds, and how often.
    fn of(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok().map(Duration::from_nanos);
        Some(Self {
            busy: next()?,
            starved: next()?,
        })
    }

    /// What it took since then.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            starved: self.starved.saturating_sub(earlier.starved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_times_in_nanoseconds() {
        let found = OwnUse::of("1500 20 3\n").unwrap();
        assert_eq!(found.busy, Duration::from_nanos(1500));
        assert_eq!(found.starved, Duration::from_nanos(20));
        assert_eq!(OwnUse::of(""), None);
        assert_eq!(OwnUse::of("x 1"), None);
    }
}
