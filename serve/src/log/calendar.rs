//! Times as people write them, in universal time.

use std::time::SystemTime;

/// A time by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) year: i64,
    pub(super) month: u64,
    pub(super) day: u64,
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
    pub(super) microsecond: u32,
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        // A clock before the epoch is wrong in any case.
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            microsecond: since.subsec_micros(),
        }
    }
}

/// Year, month and day of so many days after the first of January 1970. Years are counted from March on, so that the
/// day that some have more comes last.
fn civil(days: u64) -> (i64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    (i64::try_from(year).unwrap_or(i64::MAX), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let check = |days, expected| assert_eq!(civil(days), expected, "{days}");
        check(0, (1970, 1, 1));
        check(58, (1970, 2, 28));
        check(59, (1970, 3, 1));
        check(11_016, (2000, 2, 29));
        check(11_017, (2000, 3, 1));
        check(20_778, (2026, 11, 21));
        check(47_540, (2100, 2, 28));
        check(47_541, (2100, 3, 1));
    }
}
