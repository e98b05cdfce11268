//! When a client waits no longer, as it says in a header.

use std::time::Duration;

/// How long a client waits; `Err` where that is not written as it must be.
pub(super) fn timeout(header: &[u8]) -> Result<Duration, ()> {
    let (unit, digits) = header.split_last().ok_or(())?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(());
    }
    let digits = std::str::from_utf8(digits).map_err(|_| ())?;
    let number: u64 = digits.parse().map_err(|_| ())?;
    // Eight digits of any unit fit.
    match unit {
        b'H' => Ok(Duration::from_secs(number * 3600)),
        b'M' => Ok(Duration::from_secs(number * 60)),
        b'S' => Ok(Duration::from_secs(number)),
        b'm' => Ok(Duration::from_millis(number)),
        b'u' => Ok(Duration::from_micros(number)),
        b'n' => Ok(Duration::from_nanos(number)),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_up_to_eight_digits_and_a_unit() {
        let check = |text: &str, expected| assert_eq!(timeout(text.as_bytes()), expected, "{text}");
        check("100m", Ok(Duration::from_millis(100)));
        check("7S", Ok(Duration::from_secs(7)));
        check("99999999H", Ok(Duration::from_hours(99_999_999)));
        check("1n", Ok(Duration::from_nanos(1)));
        check("123456789S", Err(()));
        check("S", Err(()));
        check("", Err(()));
        check("-1S", Err(()));
        check("1x", Err(()));
    }
}
