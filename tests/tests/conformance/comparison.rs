//! Whether a tensor is the expected one, and where it is not.

use half::{bf16, f16};
use nav_package_format::{DType, TensorData, TensorView};
use nav_runners::Tensor;

use crate::case::{Failure, expect_equal};
use crate::subject::desc;
use crate::values::numbers;

/// How far numbers may be apart. Except where bits count, a NaN is as good as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// Not at all: the same bits.
    Exact,
    /// So many representable numbers: functions that are not rounded correctly everywhere.
    Ulp(u32),
    /// 1e-5, and 1e-4 of the expected number: sums in another order, in single precision.
    Close,
    /// 1e-2, and 1e-2 of the expected number: the same in half precision, or with approximations.
    Loose,
}

/// A failure unless the output is the expected tensor.
pub(crate) fn compare(
    got: &Tensor,
    expected: &TensorData,
    tolerance: Tolerance,
) -> Result<(), Failure> {
    let of_output = |what: &str| format!("{what} of output {}", got.desc.index);
    expect_equal(&of_output("type"), &got.desc.dtype, &expected.dtype())?;
    expect_equal(&of_output("shape"), &got.desc.shape, expected.shape())?;
    expect_equal(&of_output("size"), &got.desc.byte_size, &got.bytes.len())?;
    let found = TensorView::new(got.desc.dtype, &got.desc.shape, &got.bytes)?;
    let differing = match expected.dtype().element_size() {
        Some(size) if tolerance == Tolerance::Exact || !expected.dtype().is_float() => {
            let (found, expected) = (found.bytes(), expected.bytes());
            let pairs = found.chunks_exact(size).zip(expected.chunks_exact(size));
            differing(pairs, |found, expected| found == expected)
        }
        Some(size) => {
            let (found, bytes) = (found.bytes(), expected.bytes());
            let pairs = found.chunks_exact(size).zip(bytes.chunks_exact(size));
            differing(pairs, |found, wanted| {
                tolerance.admits(
                    number(expected.dtype(), found),
                    number(expected.dtype(), wanted),
                )
            })
        }
        None => differing(
            found.strings().zip(expected.view().strings()),
            |found, expected| found == expected,
        ),
    };
    let Some(Difference {
        index,
        count,
        found,
        expected: wanted,
    }) = differing
    else {
        return Ok(());
    };
    let dtype = expected.dtype();
    Err(Failure(format!(
        "output {} differs in {count} elements ({tolerance:?}), first at index {index}: \
         expected {}, got {}",
        got.desc.index,
        show(dtype, wanted),
        show(dtype, found),
    )))
}

struct Difference<'bytes> {
    index: usize,
    count: usize,
    found: &'bytes [u8],
    expected: &'bytes [u8],
}

fn differing<'bytes>(
    pairs: impl Iterator<Item = (&'bytes [u8], &'bytes [u8])>,
    same: impl Fn(&[u8], &[u8]) -> bool,
) -> Option<Difference<'bytes>> {
    let pairs = pairs.enumerate();
    let mut differing = pairs.filter(|(_, (found, expected))| !same(found, expected));
    let (index, (found, expected)) = differing.next()?;
    Some(Difference {
        index,
        count: differing.count() + 1,
        found,
        expected,
    })
}

/// A floating point number: its value, and its place among all numbers of its type.
#[derive(Clone, Copy, Debug)]
struct Number {
    value: f64,
    place: i128,
}

fn number(dtype: DType, bytes: &[u8]) -> Number {
    let mut wide = [0; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    let bits = u64::from_le_bytes(wide);
    let [b0, b1, b2, b3, ..] = wide;
    let value = match dtype {
        DType::Fp16 => f64::from(f16::from_le_bytes([b0, b1])),
        DType::Bf16 => f64::from(bf16::from_le_bytes([b0, b1])),
        DType::Fp32 => f64::from(f32::from_le_bytes([b0, b1, b2, b3])),
        _ => f64::from_bits(bits),
    };
    let sign = 1_u64 << (8 * bytes.len() - 1);
    let magnitude = i128::from(bits & !sign);
    let place = if bits & sign == 0 {
        magnitude
    } else {
        -magnitude
    };
    Number { value, place }
}

impl Tolerance {
    fn admits(self, found: Number, expected: Number) -> bool {
        if found.value.is_nan() || expected.value.is_nan() {
            return found.value.is_nan() && expected.value.is_nan();
        }
        if found.value.is_infinite() || expected.value.is_infinite() {
            return found.place == expected.place;
        }
        let within = |absolute: f64, relative: f64| {
            (found.value - expected.value).abs() <= absolute + relative * expected.value.abs()
        };
        match self {
            Self::Exact => found.place == expected.place,
            Self::Ulp(count) => (found.place - expected.place).abs() <= i128::from(count),
            Self::Close => within(1e-5, 1e-4),
            Self::Loose => within(1e-2, 1e-2),
        }
    }
}

fn show(dtype: DType, bytes: &[u8]) -> String {
    let wide = |fill: u8| {
        let mut wide = [fill; 8];
        for (to, from) in wide.iter_mut().zip(bytes) {
            *to = *from;
        }
        wide
    };
    match dtype {
        DType::Bytes => format!("{:?}", String::from_utf8_lossy(bytes)),
        DType::Fp16 | DType::Bf16 | DType::Fp32 | DType::Fp64 => {
            format!("{:e} (bytes {bytes:02x?})", number(dtype, bytes).value)
        }
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => {
            let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            i64::from_le_bytes(wide(if is_negative { 0xff } else { 0 })).to_string()
        }
        DType::Bool | DType::Uint8 | DType::Uint16 | DType::Uint32 | DType::Uint64 => {
            u64::from_le_bytes(wide(0)).to_string()
        }
    }
}

/// Whether tolerances are what they say. A matrix that finds everything equal would show nothing else.
pub(crate) fn check() -> Result<(), String> {
    use Tolerance::{Close, Exact, Loose, Ulp};
    let above = |number: f32, steps: u32| f32::from_bits(number.to_bits() + steps);
    let cases = [
        (Exact, 0.0, -0.0, false),
        (Ulp(0), 0.0, -0.0, true),
        (Ulp(2), 1.0, above(1.0, 2), true),
        (Ulp(2), 1.0, above(1.0, 3), false),
        (Ulp(2), f32::from_bits(1), -f32::from_bits(1), true),
        (Ulp(2), f32::MAX, f32::INFINITY, false),
        (Loose, f32::INFINITY, f32::NEG_INFINITY, false),
        (Loose, f32::NAN, f32::NAN, true),
        (Loose, f32::NAN, 1.0, false),
        (Close, 1.0, 1.0001, true),
        (Close, 1.0, 1.0002, false),
        (Close, 0.0, 9e-6, true),
        (Close, 0.0, 2e-5, false),
        (Loose, 100.0, 101.0, true),
        (Loose, 100.0, 101.1, false),
    ];
    for (tolerance, expected, found, same) in cases {
        let compared = compare(
            &output([0.5, found]),
            &numbers(&[2], &[0.5, expected]),
            tolerance,
        );
        if compared.is_ok() != same {
            return Err(format!(
                "{tolerance:?} of {expected} and {found}: {compared:?}"
            ));
        }
    }
    let report = compare(&output([1.0, 3.0]), &numbers(&[2], &[1.0, 2.0_f32]), Exact);
    let report = report.map_err(|Failure(reason)| reason);
    match report {
        Err(reason) if reason.contains("index 1: expected 2e0") && reason.contains("got 3e0") => {
            Ok(())
        }
        other => Err(format!("the report of a difference is {other:?}")),
    }
}

fn output(elements: [f32; 2]) -> Tensor {
    let tensor = numbers(&[2], &elements);
    Tensor {
        desc: desc(0, &tensor),
        bytes: tensor.into_bytes().into(),
    }
}
