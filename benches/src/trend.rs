//! Whether something grows: how much a line through what was seen rises, whatever a few odd moments were like.

use crate::percentile::median;

/// How much a value rises from the first to the last of these (time, value), along the line that has the median of all slopes
/// between two of them (Theil and Sen): up to a quarter of them may be anything. Nothing where there are fewer than two.
pub fn rise(seen: &[(f64, f64)]) -> f64 {
    let mut slopes = Vec::new();
    // A few hundred are as good as all of a day, and pairs are many.
    let step = seen.len().div_ceil(MOST).max(1);
    let thinned: Vec<(f64, f64)> = seen.iter().step_by(step).copied().collect();
    for (index, (begin, low)) in thinned.iter().enumerate() {
        let later = thinned.iter().skip(index + 1);
        slopes.extend(
            later
                .filter(|(end, _)| end > begin)
                .map(|(end, high)| (high - low) / (end - begin)),
        );
    }
    let (Some((begin, _)), Some((end, _)), false) = (seen.first(), seen.last(), slopes.is_empty())
    else {
        return 0.0;
    };
    median(&mut slopes) * (end - begin)
}

/// The most whose pairs are looked at.
const MOST: usize = 600;

/// What the median of the last third is to that of the first.
pub fn drift(values: &[f64]) -> f64 {
    let third = values.len() / 3;
    let first = values.iter().take(third).copied();
    let last = values.iter().rev().take(third).copied();
    let mut thirds = [first.collect::<Vec<f64>>(), last.collect()];
    let [first, last] = &mut thirds;
    median(last) / median(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(slope: f64, count: u32) -> Vec<(f64, f64)> {
        let times = (0..count).map(f64::from);
        times.map(|time| (time, 7.0 + slope * time)).collect()
    }

    #[test]
    fn a_line_rises_by_its_slope() {
        let check = |seen: &[(f64, f64)], expected: f64| {
            let found = rise(seen);
            assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
        };
        check(&[], 0.0);
        check(&line(5.0, 1), 0.0);
        check(&line(0.0, 50), 0.0);
        check(&line(0.5, 11), 5.0);
        check(&line(-0.5, 11), -5.0);
        check(&line(2.0, 5001), 10_000.0);
    }

    #[test]
    fn odd_moments_are_no_growth_and_a_slow_leak_is() {
        let mut seen = line(0.0, 100);
        seen.iter_mut().step_by(7).for_each(|it| it.1 += 1000.0);
        assert!(rise(&seen).abs() < 1e-9);
        let mut leak = line(0.1, 100);
        leak.iter_mut().step_by(7).for_each(|it| it.1 += 1000.0);
        assert!((rise(&leak) - 9.9).abs() < 0.5);
    }

    #[test]
    fn thirds_are_compared_by_their_medians() {
        let check = |values: &[f64], expected: f64| {
            assert!((drift(values) - expected).abs() < 1e-9, "{values:?}");
        };
        check(&[2.0, 2.0, 900.0, 1.0, 1.0, 1.0, 3.0, 0.1, 3.0], 1.5);
        check(&[1.0; 9], 1.0);
        assert!(drift(&[1.0]).is_nan());
    }
}
