//! Whether an output is what a case expects: by the rule of the official suite for floating point numbers,
//! exactly for everything else.

use half::{bf16, f16};
use nav_package_format::{DType, TensorView};

use crate::failure::{Class, Failure};

/// How far a number may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// Relative to what is expected.
    pub(crate) relative: f64,
    /// Besides.
    pub(crate) absolute: f64,
}

/// What the official suite allows BF16 at least: two units in the last place.
const BF16_RELATIVE: f64 = 1.0 / 64.0;

/// What is off by no more than this much of the largest number is rounding.
const ROUNDING: f64 = 1e-3;

/// Fails when the output differs.
pub(crate) fn check(
    found: TensorView<'_>,
    expected: TensorView<'_>,
    tolerance: Tolerance,
) -> Result<(), Failure> {
    let wrong = |reason: &str| Err(Failure::new(Class::WrongResult, reason));
    if found.dtype() != expected.dtype() {
        return wrong(&format!("{}, expected {}", found.dtype(), expected.dtype()));
    }
    if found.shape() != expected.shape() {
        let (found, expected) = (found.shape(), expected.shape());
        return wrong(&format!("shape {found}, expected {expected}"));
    }
    let (Some(numbers), Some(expected_numbers)) = (floats(found), floats(expected)) else {
        if found.bytes() == expected.bytes() {
            return Ok(());
        }
        return wrong("other values");
    };
    let relative = match found.dtype() {
        DType::Bf16 => tolerance.relative.max(BF16_RELATIVE),
        _ => tolerance.relative,
    };
    check_numbers(
        &numbers,
        &expected_numbers,
        Tolerance {
            relative,
            ..tolerance
        },
    )
}

fn check_numbers(found: &[f64], expected: &[f64], tolerance: Tolerance) -> Result<(), Failure> {
    let pairs = || found.iter().copied().zip(expected.iter().copied());
    let is_within = |found: f64, expected: f64, allowed: f64| {
        same(found, expected) || (expected.is_finite() && (found - expected).abs() <= allowed)
    };
    let mut off = pairs().filter(|&(found, expected)| {
        let allowed = tolerance.absolute + tolerance.relative * expected.abs();
        !is_within(found, expected, allowed)
    });
    let Some((first_found, first_expected)) = off.next() else {
        return Ok(());
    };
    let reason = format!(
        "{} of {} values are off, such as {first_found} for {first_expected}",
        off.count() + 1,
        found.len()
    );
    let finite = expected.iter().copied().filter(|number| number.is_finite());
    let largest = finite.fold(0.0, |largest: f64, number| largest.max(number.abs()));
    let is_rounding =
        pairs().all(|(found, expected)| is_within(found, expected, ROUNDING * largest));
    let class = if is_rounding {
        Class::Rounding
    } else {
        Class::WrongResult
    };
    Err(Failure::new(class, &reason))
}

/// Equal, or both not a number. Infinities are equal only to themselves.
#[expect(
    clippy::float_cmp,
    reason = "infinities, of which no difference can be taken"
)]
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// The elements of a tensor of floating point numbers.
fn floats(tensor: TensorView<'_>) -> Option<Vec<f64>> {
    let bytes = tensor.bytes();
    Some(match tensor.dtype() {
        DType::Fp16 => numbers(bytes, |bytes| f16::from_le_bytes(bytes).to_f64()),
        DType::Bf16 => numbers(bytes, |bytes| bf16::from_le_bytes(bytes).to_f64()),
        DType::Fp32 => numbers(bytes, |bytes| f32::from_le_bytes(bytes).into()),
        DType::Fp64 => numbers(bytes, f64::from_le_bytes),
        _ => return None,
    })
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().copied().map(number).collect()
}

#[cfg(test)]
mod tests {
    use nav_package_format::{Shape, TensorData};

    use super::*;

    const TOLERANCE: Tolerance = Tolerance {
        relative: 1e-3,
        absolute: 1e-7,
    };

    fn compare(dtype: DType, found: Vec<u8>, expected: Vec<u8>, outcome: Option<&str>) {
        let tensor = |bytes: Vec<u8>| {
            let count = bytes.len() / dtype.element_size().unwrap();
            TensorData::new(dtype, Shape::from([count]), bytes).unwrap()
        };
        let (found, expected) = (tensor(found), tensor(expected));
        let failure = check(found.view(), expected.view(), TOLERANCE).err();
        let failure = failure.map(|failure| failure.to_string());
        assert_eq!(failure.as_deref(), outcome);
    }

    fn singles(numbers: &[f32]) -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }

    #[test]
    fn floats_may_be_a_little_off_and_nothing_else_may() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        let both = singles(&[nan, infinity, -infinity]);
        compare(DType::Fp32, both.clone(), both, None);
        compare(DType::Fp32, singles(&[1.0009]), singles(&[1.0]), None);
        compare(
            DType::Fp32,
            singles(&[1.0, 1.002]),
            singles(&[1.0, 1.0]),
            Some("wrong-result: 1 of 2 values are off, such as 1.0019999742507935 for 1"),
        );
        compare(
            DType::Fp32,
            singles(&[nan]),
            singles(&[1.0]),
            Some("wrong-result: 1 of 1 values are off, such as NaN for 1"),
        );
        compare(
            DType::Fp32,
            singles(&[1.0]),
            singles(&[infinity]),
            Some("wrong-result: 1 of 1 values are off, such as 1 for inf"),
        );
        compare(
            DType::Fp32,
            singles(&[100.0, 0.0]),
            singles(&[100.0, 0.01]),
            Some("rounding: 1 of 2 values are off, such as 0 for 0.009999999776482582"),
        );
        compare(DType::Bf16, vec![0x81, 0x3f], vec![0x80, 0x3f], None);
        compare(
            DType::Uint8,
            vec![1],
            vec![2],
            Some("wrong-result: other values"),
        );
        compare(
            DType::Uint8,
            vec![1],
            vec![2, 3],
            Some("wrong-result: shape [1], expected [2]"),
        );
    }
}
