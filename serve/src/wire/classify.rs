//! The classification extension: the largest elements of each row, with their positions and labels.

use std::cmp::Ordering;
use std::fmt::Write;

use nav_package_format::{DType, Shape};

/// The classes of each row: a shape, and texts as `value:position[:label]`, the largest first. None where
/// elements are no numbers or the bytes are not those of the shape.
pub(crate) fn classify(
    dtype: DType,
    shape: &Shape,
    bytes: &[u8],
    (classes, has_batch): (usize, bool),
    labels: &[String],
) -> Option<(Shape, Vec<String>)> {
    let values = numbers(dtype, bytes)?;
    let rows = match shape.first() {
        Some(&rows) if has_batch => rows,
        _ => 1,
    };
    let row = values.len().checked_div(rows).unwrap_or(0);
    let classes = classes.min(row);
    let mut texts = Vec::with_capacity(rows * classes);
    for row in values.chunks(row.max(1)) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        let value = |index: &usize| row.get(*index).copied().unwrap_or(f64::NAN);
        // The first of equals comes first; what is no number comes last.
        let rank = |one: &usize, other: &usize| {
            let by_position = one.cmp(other);
            let (one, other) = (value(one), value(other));
            let by_value = other.partial_cmp(&one).unwrap_or(Ordering::Equal);
            let by_kind = one.is_nan().cmp(&other.is_nan());
            by_kind.then(by_value).then(by_position)
        };
        // The others need no order among themselves.
        if classes < order.len() {
            order.select_nth_unstable_by(classes, rank);
            order.truncate(classes);
        }
        order.sort_unstable_by(rank);
        for index in order {
            let mut text = format!("{:.6}:{index}", value(&index));
            if let Some(label) = labels.get(index).filter(|label| !label.is_empty()) {
                // A string takes whatever is written.
                write!(text, ":{label}").ok();
            }
            texts.push(text);
        }
    }
    let shape = if has_batch {
        Shape::from([rows, classes])
    } else {
        Shape::from([classes])
    };
    Some((shape, texts))
}

fn numbers(dtype: DType, bytes: &[u8]) -> Option<Vec<f64>> {
    macro_rules! read {
        ($kind:ty) => {{
            let (whole, []) = bytes.as_chunks::<{ size_of::<$kind>() }>() else {
                return None;
            };
            whole
                .iter()
                .map(|bytes| <$kind>::from_le_bytes(*bytes))
                .map(|number| number as f64)
                .collect()
        }};
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_lossless,
        reason = "ranking and six digits need no more than a double has"
    )]
    let numbers = match dtype {
        DType::Bool | DType::Uint8 => read!(u8),
        DType::Uint16 => read!(u16),
        DType::Uint32 => read!(u32),
        DType::Uint64 => read!(u64),
        DType::Int8 => read!(i8),
        DType::Int16 => read!(i16),
        DType::Int32 => read!(i32),
        DType::Int64 => read!(i64),
        DType::Fp32 => read!(f32),
        DType::Fp64 => read!(f64),
        DType::Fp16 | DType::Bf16 | DType::Bytes => return None,
    };
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_each_row_come_first_with_their_labels() {
        let values = [1.0_f32, 5.0, 10.0, 4.0, 9.0, f32::NAN, 7.0, 9.0];
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let labels = ["apple", "pear", "plum"].map(str::to_owned);
        let shape = Shape::from([2, 4]);
        let check = |classes, has_batch, expected: &[&str]| {
            let classified = classify(DType::Fp32, &shape, &bytes, (classes, has_batch), &labels);
            assert_eq!(classified.unwrap().1, expected);
        };
        check(
            2,
            true,
            &[
                "10.000000:2:plum",
                "5.000000:1:pear",
                "9.000000:0:apple",
                "9.000000:3",
            ],
        );
        check(1, false, &["10.000000:2:plum"]);
        check(0, false, &[]);
        let all = [
            "10.000000:2:plum",
            "9.000000:4",
            "9.000000:7",
            "7.000000:6",
            "5.000000:1:pear",
            "4.000000:3",
            "1.000000:0:apple",
            "NaN:5",
        ];
        check(100, false, &all);
        check(3, false, &all[..3]);
        assert!(classify(DType::Bytes, &shape, &bytes, (1, true), &labels).is_none());
    }
}
