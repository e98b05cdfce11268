//! How far one tensor is from another of the same type and shape.

use half::{bf16, f16};
use nav_package_format::package::Tolerance;
use nav_package_format::{DType, Shape, TensorView};
use serde::{Deserialize, Serialize};

/// How far a tensor is from another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The largest absolute difference; none where no two elements could be told apart by a number.
    pub largest_absolute: Option<f64>,
    /// The largest difference relative to the original.
    pub largest_relative: Option<f64>,
    /// What was found at the element that is farthest off.
    pub worst: Option<String>,
    /// What breaks the tolerance, if anything: how many elements, and the worst of them.
    pub breach: Option<String>,
    /// Whether the original holds numbers at all: what is not a number proves nothing.
    pub has_numbers: bool,
}

impl Difference {
    /// How far `found` is from `expected`. Shapes and types must be the same.
    pub fn between(found: TensorView<'_>, expected: TensorView<'_>, tolerance: &Tolerance) -> Self {
        let shape = expected.shape();
        let (Some(found_numbers), Some(expected_numbers)) = (numbers(found), numbers(expected))
        else {
            return of_bytes(found, expected);
        };
        let mut difference = of_numbers(found_numbers, expected_numbers, shape, tolerance);
        // Large integers are rounded as numbers, and must be equal as integers all the same.
        let is_exact = tolerance.absolute == 0.0 && tolerance.relative == 0.0;
        let is_integer = !expected.dtype().is_float();
        if is_exact && is_integer && difference.breach.is_none() {
            difference.breach = unequal(found, expected);
        }
        difference
    }

    /// The larger of two differences.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (mut larger, smaller) = if other.largest_absolute > self.largest_absolute {
            (other, self)
        } else {
            (self, other)
        };
        let relative = [larger.largest_relative, smaller.largest_relative];
        larger.largest_relative = relative.into_iter().flatten().reduce(f64::max);
        larger.breach = larger.breach.or(smaller.breach);
        larger.has_numbers |= smaller.has_numbers;
        larger
    }
}

/// The largest magnitude among the numbers of a tensor; 0 where there is none.
pub(super) fn largest_number(tensor: TensorView<'_>) -> f64 {
    let finite = numbers(tensor).into_iter().flatten();
    finite
        .map(f64::abs)
        .filter(|magnitude| magnitude.is_finite())
        .fold(0.0, f64::max)
}

/// The element that breaks the tolerance most, and how many do.
#[derive(Default)]
struct Breaches {
    count: usize,
    worst: Option<(usize, f64, f64)>,
    excess: f64,
}

fn of_numbers(
    found: Vec<f64>,
    expected: Vec<f64>,
    shape: &Shape,
    tolerance: &Tolerance,
) -> Difference {
    let count = expected.len();
    let mut difference = Difference::default();
    let mut breaches = Breaches::default();
    let mut farthest: Option<(usize, f64, f64)> = None;
    for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        difference.has_numbers |= expected.is_finite();
        if !found.is_finite() || !expected.is_finite() {
            if !same_pattern(found, expected) {
                breaches.count += 1;
                // Not a number where there should be one is worse than any number.
                if breaches.excess < f64::INFINITY {
                    breaches.excess = f64::INFINITY;
                    breaches.worst = Some((index, found, expected));
                }
            }
            continue;
        }
        let off = (found - expected).abs();
        if difference
            .largest_absolute
            .is_none_or(|largest| off > largest)
        {
            difference.largest_absolute = Some(off);
            farthest = Some((index, found, expected));
        }
        if expected != 0.0 {
            let relative = off / expected.abs();
            let largest = difference.largest_relative.unwrap_or_default();
            difference.largest_relative = Some(largest.max(relative));
        }
        let excess = off - (tolerance.absolute + tolerance.relative * expected.abs());
        if excess > 0.0 {
            breaches.count += 1;
            if breaches.worst.is_none() || excess > breaches.excess {
                breaches.excess = excess;
                breaches.worst = Some((index, found, expected));
            }
        }
    }
    let told = |(index, found, expected): (usize, f64, f64)| {
        format!("{found:e} for {expected:e} at {}", place(index, shape))
    };
    difference.worst = farthest
        .filter(|_| difference.largest_absolute > Some(0.0))
        .map(told);
    difference.breach = breaches
        .worst
        .map(|worst| format!("{} in {} of {count} elements", told(worst), breaches.count));
    difference
}

/// Whether two elements, of which one is no finite number, are alike.
fn same_pattern(found: f64, expected: f64) -> bool {
    (found.is_nan() && expected.is_nan())
        || (found.is_infinite()
            && expected.is_infinite()
            && found.is_sign_positive() == expected.is_sign_positive())
}

fn of_bytes(found: TensorView<'_>, expected: TensorView<'_>) -> Difference {
    let count = expected.strings().count();
    let mut pairs = found.strings().zip(expected.strings()).enumerate();
    let differs = pairs.find(|(_, (found, expected))| found != expected);
    let breach = differs.map(|(index, (found, wanted))| {
        let (found, wanted) = (
            String::from_utf8_lossy(found),
            String::from_utf8_lossy(wanted),
        );
        let others = pairs
            .filter(|(_, (found, expected))| found != expected)
            .count();
        let place = place(index, expected.shape());
        format!(
            "{found:?} for {wanted:?} at {place} in {} of {count} elements",
            others + 1
        )
    });
    Difference {
        worst: breach.clone(),
        breach,
        has_numbers: count > 0,
        ..Difference::default()
    }
}

/// The first element whose bytes are others.
fn unequal(found: TensorView<'_>, expected: TensorView<'_>) -> Option<String> {
    let size = expected.dtype().element_size()?;
    let (found, bytes) = (found.bytes(), expected.bytes());
    let mut pairs = found.chunks_exact(size).zip(bytes.chunks_exact(size));
    let index = pairs.position(|(found, expected)| found != expected)?;
    let place = place(index, expected.shape());
    Some(format!("another integer at {place}"))
}

/// `[1,2]`: the place of an element.
fn place(index: usize, shape: &Shape) -> Shape {
    let mut rest = index;
    let mut places: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&extent| {
            let at = rest.checked_rem(extent).unwrap_or_default();
            rest = rest.checked_div(extent).unwrap_or_default();
            at
        })
        .collect();
    places.reverse();
    places.into_iter().collect()
}

/// The elements as numbers; none for byte strings.
fn numbers(tensor: TensorView<'_>) -> Option<Vec<f64>> {
    let bytes = tensor.bytes();
    Some(match tensor.dtype() {
        DType::Fp16 => map(bytes, |bytes| f16::from_le_bytes(bytes).to_f64()),
        DType::Bf16 => map(bytes, |bytes| bf16::from_le_bytes(bytes).to_f64()),
        DType::Fp32 => map(bytes, |bytes| f32::from_le_bytes(bytes).into()),
        DType::Fp64 => map(bytes, f64::from_le_bytes),
        DType::Bool | DType::Uint8 => map(bytes, |bytes| u8::from_le_bytes(bytes).into()),
        DType::Uint16 => map(bytes, |bytes| u16::from_le_bytes(bytes).into()),
        DType::Uint32 => map(bytes, |bytes| u32::from_le_bytes(bytes).into()),
        DType::Int8 => map(bytes, |bytes| i8::from_le_bytes(bytes).into()),
        DType::Int16 => map(bytes, |bytes| i16::from_le_bytes(bytes).into()),
        DType::Int32 => map(bytes, |bytes| i32::from_le_bytes(bytes).into()),
        DType::Int64 => map(bytes, |bytes| wide(i64::from_le_bytes(bytes))),
        DType::Uint64 => map(bytes, |bytes| wide_unsigned(u64::from_le_bytes(bytes))),
        DType::Bytes => return None,
    })
}

fn map<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().copied().map(number).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "`unequal` looks at what is lost"
)]
const fn wide(number: i64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "`unequal` looks at what is lost"
)]
const fn wide_unsigned(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
