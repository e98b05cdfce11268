//! Data for an input: made of a seed and the input's name, the same on every platform.

use half::{bf16, f16};
use nav_package_format::{DType, Shape, ShapeError, TensorData, TensorDataError, TensorSpec};

use super::random::SplitMix64;

/// What integers stay below when nothing is known of them. An integer input is nearly always an index
/// (of a token, a position, a class), and one beyond its table makes a model fail; the first ten rows
/// are there in nearly every table.
const DEFAULT_BOUND: u64 = 10;

/// The most letters of a generated string.
const LONGEST_WORD: u64 = 8;

/// The most bytes of one: its length comes first.
const LONGEST_STRING: usize = size_of::<u32>() + 8;

/// Why no data can be made for an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The shape does not fit the declared dimensions.
    #[error("input `{name}` of shape {shape} does not fit {expected}")]
    Misfit {
        /// The input's name.
        name: String,
        /// The shape asked for.
        shape: Shape,
        /// The declared dimensions.
        expected: String,
    },
    /// No number is below 0.
    #[error("input `{name}` must stay below 0, which no index does")]
    EmptyRange {
        /// The input's name.
        name: String,
    },
    /// The shape has no size.
    #[error("input `{name}` is too large")]
    Shape {
        /// The input's name.
        name: String,
        /// What is wrong.
        source: ShapeError,
    },
    /// The machine has no memory for it.
    #[error("there is no memory for the {bytes} bytes of input `{name}`")]
    OutOfMemory {
        /// The input's name.
        name: String,
        /// How many bytes it takes.
        bytes: usize,
    },
    /// What was made is not a tensor.
    #[error("the data of input `{name}` does not fit its shape")]
    Data {
        /// The input's name.
        name: String,
        /// What is wrong.
        source: TensorDataError,
    },
}

/// Data of this shape for an input. Floating point numbers have mean 0 and variance 1, integers are
/// uniform in `0..bound` (what of it the type can hold; `0..10` without a bound), truth values are even,
/// and strings are short lower-case words.
pub fn generate(
    spec: &TensorSpec,
    shape: &Shape,
    bound: Option<u64>,
    seed: u64,
) -> Result<TensorData, GenerateError> {
    let name = || spec.name.clone();
    if !spec.admits(shape) {
        return Err(GenerateError::Misfit {
            name: name(),
            shape: shape.clone(),
            expected: spec.dims_text(),
        });
    }
    let bound = bound.unwrap_or(DEFAULT_BOUND);
    if bound == 0 {
        return Err(GenerateError::EmptyRange { name: name() });
    }
    let sizes = || Ok((shape.element_count()?, shape.byte_size(spec.dtype)?));
    let (count, bytes) = sizes().map_err(|source| GenerateError::Shape {
        name: name(),
        source,
    })?;
    let bytes = bytes.unwrap_or(count.saturating_mul(LONGEST_STRING));
    let mut elements = Vec::new();
    elements
        .try_reserve_exact(bytes)
        .map_err(|_| GenerateError::OutOfMemory {
            name: name(),
            bytes,
        })?;
    let mut random = SplitMix64::new(seed, &spec.name);
    for _ in 0..count {
        push(spec.dtype, bound, &mut random, &mut elements);
    }
    TensorData::new(spec.dtype, shape.clone(), elements).map_err(|source| GenerateError::Data {
        name: name(),
        source,
    })
}

/// Appends one element.
fn push(dtype: DType, bound: u64, random: &mut SplitMix64, elements: &mut Vec<u8>) {
    match dtype {
        DType::Fp16 => elements.extend(f16::from_f32(single(random)).to_le_bytes()),
        DType::Bf16 => elements.extend(bf16::from_f32(single(random)).to_le_bytes()),
        DType::Fp32 => elements.extend(single(random).to_le_bytes()),
        DType::Fp64 => elements.extend(random.bell().to_le_bytes()),
        DType::Bool => elements.extend(&random.below(2).to_le_bytes()[..1]),
        DType::Bytes => push_word(random, elements),
        integer => {
            // The lowest bytes of a number that the type can hold are that number, signed or not.
            let number = random.below(bound.min(limit(integer))).to_le_bytes();
            elements.extend(&number[..integer.element_size().unwrap_or(number.len())]);
        }
    }
}

/// What every number of an integer type stays below, as far as 64 bits can say it.
const fn limit(dtype: DType) -> u64 {
    match dtype {
        DType::Int8 => 1 << 7,
        DType::Uint8 => 1 << 8,
        DType::Int16 => 1 << 15,
        DType::Uint16 => 1 << 16,
        DType::Int32 => 1 << 31,
        DType::Uint32 => 1 << 32,
        DType::Int64 => 1 << 63,
        _ => u64::MAX,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn single(random: &mut SplitMix64) -> f32 {
    random.bell() as f32
}

fn push_word(random: &mut SplitMix64, elements: &mut Vec<u8>) {
    let length = random.below(LONGEST_WORD) + 1;
    let prefix = length.to_le_bytes();
    elements.extend(&prefix[..size_of::<u32>()]);
    for _ in 0..length {
        let [letter, ..] = random.below(26).to_le_bytes();
        elements.push(b'a' + letter);
    }
}

#[cfg(test)]
mod tests {
    use nav_package_format::Dim;

    use super::*;

    fn spec(name: &str, dtype: DType) -> TensorSpec {
        TensorSpec {
            name: name.to_owned(),
            dtype,
            dims: Some(vec![Dim::Unknown, Dim::Fixed(50)]),
            optional: false,
        }
    }

    fn made(name: &str, dtype: DType, bound: Option<u64>, seed: u64) -> TensorData {
        generate(&spec(name, dtype), &Shape::from([4, 50]), bound, seed).unwrap()
    }

    #[test]
    fn seed_and_name_decide_the_data_of_every_type() {
        for &dtype in DType::ALL {
            let data = made("x", dtype, None, 7);
            assert_eq!(data.dtype(), dtype);
            assert_eq!(data, made("x", dtype, None, 7));
            assert_ne!(data, made("x", dtype, None, 8), "{dtype}");
            assert_ne!(data, made("y", dtype, None, 7), "{dtype}");
        }
    }

    #[test]
    fn the_data_of_a_seed_never_changes() {
        let check = |dtype, expected: &[u8]| {
            let data = made("x", dtype, None, 7);
            assert_eq!(&data.bytes()[..expected.len()], expected, "{dtype}");
        };
        check(DType::Fp32, &[11, 127, 134, 191, 149, 255, 19, 62]);
        check(DType::Fp16, &[52, 188, 160, 48]);
        check(DType::Int64, &[1, 0, 0, 0, 0, 0, 0, 0, 5]);
        check(DType::Int8, &[1, 5, 9, 4, 7, 8, 4, 5]);
        check(DType::Bytes, b"\x02\0\0\0oy\x04\0\0\0uwko");
    }

    #[test]
    fn integers_stay_below_their_bound_and_within_their_type() {
        let largest = |dtype: DType, bound| {
            let data = made("x", dtype, bound, 1);
            let size = dtype.element_size().unwrap();
            let numbers = data.bytes().chunks_exact(size).map(|element| {
                let mut wide = [0; 8];
                wide[..size].copy_from_slice(element);
                u64::from_le_bytes(wide)
            });
            numbers.max().unwrap()
        };
        for &dtype in DType::ALL {
            if dtype.is_float() || matches!(dtype, DType::Bool | DType::Bytes) {
                continue;
            }
            assert_eq!(largest(dtype, None), 9, "{dtype}");
            assert_eq!(largest(dtype, Some(3)), 2, "{dtype}");
            assert_eq!(largest(dtype, Some(1)), 0, "{dtype}");
        }
        let int8 = largest(DType::Int8, Some(30_000));
        assert!((100..128).contains(&int8), "{int8}");
        assert!(largest(DType::Int32, Some(30_000)) > 1000);
    }

    #[test]
    fn what_cannot_be_made_is_an_error() {
        let check = |shape: Shape, bound, expected: &str| {
            let found = generate(&spec("x", DType::Int64), &shape, bound, 0);
            assert_eq!(found.unwrap_err().to_string(), expected);
        };
        check(
            Shape::from([2, 3]),
            None,
            "input `x` of shape [2,3] does not fit [?,50]",
        );
        check(
            Shape::from([2, 50]),
            Some(0),
            "input `x` must stay below 0, which no index does",
        );
        check(
            Shape::from([usize::MAX, 50]),
            None,
            "input `x` is too large",
        );
        check(
            Shape::from([1 << 53, 50]),
            None,
            "there is no memory for the 3602879701896396800 bytes of input `x`",
        );
    }
}
