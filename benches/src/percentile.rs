//! Percentiles of what was measured.

/// The middle one.
pub fn median(values: &mut [f64]) -> f64 {
    percentile(values, 0.5)
}

/// The one below which this part of all lies; not a number where there are none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in a list that fits into memory"
)]
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * part) as usize;
    values.get(index).copied().unwrap_or(f64::NAN)
}
