//! Durations as people type them: `500us`, `20ms`, `1.5s`, `5m`.

use std::time::Duration;

/// Units by their names, in seconds. Longer names come first, as `s` ends others too.
const UNITS: &[(&str, f64)] = &[
    ("us", 1e-6),
    ("ms", 1e-3),
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
];

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no duration, which is like 20ms, 1.5s or 5m")]
pub(crate) struct DurationError {
    text: String,
}

/// Reads a duration, which must be longer than nothing.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let duration = parse_or_none(text)?;
    Some(duration)
        .filter(|found| !found.is_zero())
        .ok_or_else(|| DurationError {
            text: text.to_owned(),
        })
}

/// Reads a duration that may be nothing, which needs no unit.
pub(crate) fn parse_or_none(text: &str) -> Result<Duration, DurationError> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let wrong = || DurationError {
        text: text.to_owned(),
    };
    let unit = UNITS.iter().find_map(|(name, seconds)| {
        let number = text.strip_suffix(name)?;
        Some((number, *seconds))
    });
    let (number, seconds) = unit.ok_or_else(wrong)?;
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_are_longer_than_nothing() {
        let check = |text: &str, milliseconds: Option<f64>| {
            let read = parse(text).ok().map(|read| read.as_secs_f64() * 1e3);
            assert_eq!(read, milliseconds, "{text}");
        };
        check("20ms", Some(20.0));
        check("1.5s", Some(1500.0));
        check("5m", Some(300_000.0));
        check("500 us", Some(0.5));
        check("20", None);
        check("0s", None);
        check("0", None);
        check("-1ms", None);
        check("nanms", None);
        check("1e300h", None);
    }

    #[test]
    fn nothing_is_a_duration_in_every_unit_and_without_one_where_it_may_be() {
        let check = |text: &str, milliseconds: Option<f64>| {
            let read = parse_or_none(text).ok().map(|it| it.as_secs_f64() * 1e3);
            assert_eq!(read, milliseconds, "{text}");
        };
        for text in ["0", " 0 ", "0s", "0ms", "0.0 us", "0h"] {
            check(text, Some(0.0));
        }
        check("20ms", Some(20.0));
        check("", None);
        check("ms", None);
        check("1", None);
        check("-1ms", None);
    }
}
