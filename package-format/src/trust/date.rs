//! Days, as they are written and compared. Nothing here asks a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Text that is no day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no date of the form 2027-01-31")]
pub struct DateError {
    /// The text as given.
    pub text: String,
}

impl Date {
    /// The day that is so many days after 1970-01-01, up to the year 9999.
    pub fn of_unix_days(days: u32) -> Option<Self> {
        let (mut year, mut left) = (1970, days);
        while left >= days_of_year(year) {
            left -= days_of_year(year);
            year += 1;
            if year > 9999 {
                return None;
            }
        }
        let mut month = 1;
        while left >= u32::from(days_of_month(year, month)) {
            left -= u32::from(days_of_month(year, month));
            month += 1;
        }
        let day = u8::try_from(left + 1).ok()?;
        Some(Self { year, month, day })
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of_year(year: u16) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_of_month(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let error = || DateError {
            text: text.chars().take(32).collect(),
        };
        let plain = |at: usize, byte: u8| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let mut bytes = text.bytes().enumerate();
        if text.len() != 10 || !bytes.all(|(at, byte)| plain(at, byte)) {
            return Err(error());
        }
        let mut parts = text.split('-');
        let mut next = || parts.next().and_then(|part| part.parse().ok());
        let (year, month, day) = (next(), next(), next());
        let year: u16 = year.ok_or_else(error)?;
        let month = month.and_then(|month| u8::try_from(month).ok());
        let day = day.and_then(|day| u8::try_from(day).ok());
        match (month, day) {
            (Some(month @ 1..=12), Some(day))
                if (1..=days_of_month(year, month)).contains(&day) =>
            {
                Ok(Self { year, month, day })
            }
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_are_read_and_in_one_spelling() {
        for right in ["1970-01-01", "2027-12-31", "2024-02-29", "2000-02-29"] {
            assert_eq!(right.parse::<Date>().unwrap().to_string(), right);
        }
        let wrong = [
            "",
            "2027-1-1",
            "2027-00-01",
            "2027-13-01",
            "2027-01-00",
            "2027-04-31",
            "2027-02-29",
            "1900-02-29",
            "+027-01-01",
            "2027-01-01T00:00:00Z",
            "2027/01/01",
        ];
        for text in wrong {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert!(date("2026-12-31") < date("2027-01-01"));
        assert!(date("2027-01-31") < date("2027-02-01"));
    }

    #[test]
    fn days_are_counted_from_1970() {
        let check = |days: u32, expected: Option<&str>| {
            let date = Date::of_unix_days(days).map(|date| date.to_string());
            assert_eq!(date.as_deref(), expected, "{days}");
        };
        check(0, Some("1970-01-01"));
        check(59, Some("1970-03-01"));
        check(789, Some("1972-02-29"));
        check(11_016, Some("2000-02-29"));
        check(20_778, Some("2026-11-21"));
        check(2_932_896, Some("9999-12-31"));
        check(2_932_897, None);
        check(u32::MAX, None);
    }
}
