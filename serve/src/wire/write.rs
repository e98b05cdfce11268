//! JSON as this protocol writes it: numbers to the digit, strings without validation of what they mean.

use std::fmt::Write;

/// Appends a string with its quotes.
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => integer(out, format_args!("\\u{:04X}", control as u32)),
            plain => out.push(plain),
        }
    }
    out.push('"');
}

/// Appends anything that displays as it should be written.
pub(crate) fn integer(out: &mut String, number: impl std::fmt::Display) {
    // A string takes whatever is written.
    write!(out, "{number}").ok();
}

/// Appends a number: shortest digits that read back as the same, whole ones with `.0`, large and small ones
/// with an exponent.
pub(crate) fn double(out: &mut String, number: f64) {
    if number.is_nan() {
        return out.push_str("NaN");
    }
    if number.is_sign_negative() {
        out.push('-');
    }
    if number.is_infinite() {
        return out.push_str("Infinity");
    }
    let mut digits = zmij::Buffer::new();
    let written = digits.format_finite(number.abs());
    if !written.as_bytes().contains(&b'e') {
        // Without an exponent there is but one way to write it.
        return out.push_str(written);
    }
    let (mantissa, exponent) = written.split_once('e').unwrap_or((written, "0"));
    let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let point = usize::try_from(exponent).ok().map(|exponent| exponent + 1);
    match point {
        Some(point) if point <= MOST_DIGITS => {
            out.push_str(first);
            let (whole, fraction) = rest.split_at_checked(point - 1).unwrap_or((rest, ""));
            out.push_str(whole);
            out.extend(std::iter::repeat_n('0', point - 1 - whole.len()));
            out.push('.');
            out.push_str(if fraction.is_empty() { "0" } else { fraction });
        }
        None if exponent > SMALLEST_PLAIN => {
            out.push_str("0.");
            let zeros = usize::try_from(-exponent - 1).unwrap_or_default();
            out.extend(std::iter::repeat_n('0', zeros));
            out.push_str(first);
            out.push_str(rest);
        }
        _ => {
            out.push_str(mantissa);
            integer(out, format_args!("e{exponent}"));
        }
    }
}

/// The most digits before the point that are written without an exponent.
const MOST_DIGITS: usize = 21;

/// Numbers of this exponent and below are written with it.
const SMALLEST_PLAIN: i32 = -7;

/// Writes items with commas between them.
pub(crate) fn separated<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// The body of an answer that says what is wrong.
pub(crate) fn error_body(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 12);
    out.push_str("{\"error\":");
    string(&mut out, text);
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_clients_know_them() {
        let check = |number: f64, expected: &str| {
            let mut out = String::new();
            double(&mut out, number);
            assert_eq!(out, expected);
        };
        check(1.0, "1.0");
        check(-0.0, "-0.0");
        check(2.5, "2.5");
        check(f64::from(0.1_f32), "0.10000000149011612");
        check(f64::from(1e-7_f32), "1.0000000116860974e-7");
        check(f64::from(123_456.79_f32), "123456.7890625");
        check(f64::from(1e20_f32), "100000002004087730000.0");
        check(1e21, "1e21");
        check(0.000_001, "0.000001");
        check(0.000_000_1, "1e-7");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-Infinity");
    }

    /// The same by the standard library, whose text is taken apart and put together anew.
    fn written_slowly(number: f64) -> String {
        let written = format!("{:e}", number.abs());
        let (mantissa, exponent) = written.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        let digits = mantissa.replace('.', "");
        let sign = if number.is_sign_negative() { "-" } else { "" };
        let text = match usize::try_from(exponent + 1) {
            Ok(point @ 1..=MOST_DIGITS) => {
                let whole = format!("{digits:0<point$}");
                let (whole, fraction) = whole.split_at(point);
                let fraction = if fraction.is_empty() { "0" } else { fraction };
                format!("{whole}.{fraction}")
            }
            _ if (SMALLEST_PLAIN + 1..0).contains(&exponent) => {
                let zeros = usize::try_from(-exponent - 1).unwrap();
                format!("0.{}{digits}", "0".repeat(zeros))
            }
            _ => format!("{mantissa}e{exponent}"),
        };
        format!("{sign}{text}")
    }

    proptest::proptest! {
        #[test]
        fn every_number_is_written_as_short_as_can_be_and_reads_back_the_same(bits: u64, narrow: u32, scale in -30..30_i32) {
            let near = f64::from(narrow) * 10_f64.powi(scale);
            for number in [f64::from_bits(bits), f64::from(f32::from_bits(narrow)), near, -near, near.trunc()] {
                if number.is_finite() {
                    let mut out = String::new();
                    double(&mut out, number);
                    // Where two texts are as near and as short, either of them may be taken.
                    let slowly = written_slowly(number);
                    proptest::prop_assert_eq!(out.len(), slowly.len(), "{} {}", &out, &slowly);
                    let read: f64 = out.parse().unwrap();
                    proptest::prop_assert_eq!(read.to_bits(), number.to_bits());
                }
            }
        }
    }

    #[test]
    fn strings_keep_everything_but_what_json_reserves() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            string(&mut out, text);
            assert_eq!(out, expected);
        };
        check("a\"b\\c/d", r#""a\"b\\c/d""#);
        check("\u{8}\u{c}\n\r\t\u{1}\0", r#""\b\f\n\r\t\u0001\u0000""#);
        check("grün €", "\"grün €\"");
    }
}
