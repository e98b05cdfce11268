//! Amounts of load as they are typed: one, several, or a range.

use crate::exit::UsageError;

/// The most amounts of a range.
const MOST: usize = 100;

/// `8`, `1,4,16`, `1..64`, `1..64:*4`, `10..50:+10`. The end of a range is always part of it.
pub(super) fn amounts(text: &str) -> Result<Vec<f64>, UsageError> {
    let wrong = || {
        UsageError(format!(
            "`{text}` is no amount, which is like 8, 1,4,16, 1..64, 1..64:*4 or 10..50:+10"
        ))
    };
    let parts: Option<Vec<Vec<f64>>> = text.split(',').map(part).collect();
    let amounts: Vec<f64> = parts.ok_or_else(wrong)?.concat();
    if amounts.is_empty() || amounts.len() > MOST {
        return Err(wrong());
    }
    Ok(amounts)
}

fn part(text: &str) -> Option<Vec<f64>> {
    let Some((first, rest)) = text.split_once("..") else {
        return Some(vec![number(text)?]);
    };
    let (last, step) = rest.split_once(':').unwrap_or((rest, "*2"));
    let (first, last) = (number(first)?, number(last)?);
    let next: Box<dyn Fn(f64) -> f64> = if let Some(factor) = step.strip_prefix('*') {
        let factor = number(factor).filter(|factor| *factor > 1.0)?;
        Box::new(move |amount| amount * factor)
    } else {
        let more = number(step.strip_prefix('+')?)?;
        Box::new(move |amount| amount + more)
    };
    if first > last {
        return None;
    }
    let following = std::iter::successors(Some(first), |amount| Some(next(*amount)));
    let mut amounts: Vec<f64> = following
        .take_while(|amount| *amount < last)
        .take(MOST + 1)
        .collect();
    amounts.push(last);
    Some(amounts)
}

fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    Some(number).filter(|number| number.is_finite() && *number > 0.0 && *number <= 1e7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_one_several_or_a_range() {
        let check = |text: &str, expected: Option<&[f64]>| {
            assert_eq!(amounts(text).ok().as_deref(), expected, "{text}");
        };
        check("8", Some(&[8.0]));
        check("0.5", Some(&[0.5]));
        check("1,4,16", Some(&[1.0, 4.0, 16.0]));
        check("1..8", Some(&[1.0, 2.0, 4.0, 8.0]));
        check("1..6", Some(&[1.0, 2.0, 4.0, 6.0]));
        check("1..64:*4", Some(&[1.0, 4.0, 16.0, 64.0]));
        check("10..50:+20", Some(&[10.0, 30.0, 50.0]));
        check("1,8..16", Some(&[1.0, 8.0, 16.0]));
        check("4..4", Some(&[4.0]));
        for text in [
            "",
            "0",
            "-1",
            "x",
            "8..1",
            "1..8:*1",
            "1..8:3",
            "1..8:+0",
            "1..100000:+1",
            "nan",
        ] {
            check(text, None);
        }
    }
}
