//! The elements of a tensor as numbers of a message, into the bytes that a model reads.
//!
//! Numbers are taken exactly or not at all.

use bytes::Bytes;
use nav_package_format::{DType, strings};

use crate::proto::InferTensorContents;
use crate::wire::Fault;

/// The members of contents, each for elements of some types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Bool,
    Int,
    Int64,
    Uint,
    Uint64,
    Fp32,
    Fp64,
    Bytes,
}

impl Member {
    const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool_contents",
            Self::Int => "int_contents",
            Self::Int64 => "int64_contents",
            Self::Uint => "uint_contents",
            Self::Uint64 => "uint64_contents",
            Self::Fp32 => "fp32_contents",
            Self::Fp64 => "fp64_contents",
            Self::Bytes => "bytes_contents",
        }
    }

    /// The one for elements of this type; none where they can only be given as they are.
    const fn of(dtype: DType) -> Option<Self> {
        Some(match dtype {
            DType::Bool => Self::Bool,
            DType::Int8 | DType::Int16 | DType::Int32 => Self::Int,
            DType::Int64 => Self::Int64,
            DType::Uint8 | DType::Uint16 | DType::Uint32 => Self::Uint,
            DType::Uint64 => Self::Uint64,
            DType::Fp32 => Self::Fp32,
            DType::Fp64 => Self::Fp64,
            DType::Bytes => Self::Bytes,
            DType::Fp16 | DType::Bf16 => return None,
        })
    }
}

/// Those that hold something.
fn given(contents: &InferTensorContents) -> impl Iterator<Item = Member> {
    let lengths = [
        (Member::Bool, contents.bool_contents.len()),
        (Member::Int, contents.int_contents.len()),
        (Member::Int64, contents.int64_contents.len()),
        (Member::Uint, contents.uint_contents.len()),
        (Member::Uint64, contents.uint64_contents.len()),
        (Member::Fp32, contents.fp32_contents.len()),
        (Member::Fp64, contents.fp64_contents.len()),
        (Member::Bytes, contents.bytes_contents.len()),
    ];
    let given = lengths.into_iter().filter(|(_, length)| *length > 0);
    given.map(|(member, _)| member)
}

/// Whether there are any elements.
pub(super) fn is_given(contents: &InferTensorContents) -> bool {
    given(contents).next().is_some()
}

/// The elements of an input of this type.
pub(super) fn read(
    input: &str,
    dtype: DType,
    contents: InferTensorContents,
) -> Result<Bytes, Fault> {
    let wanted = Member::of(dtype);
    if let Some(member) = given(&contents).find(|member| Some(*member) != wanted) {
        return Err(Fault::Contents {
            input: input.to_owned(),
            dtype,
            member: member.name(),
        });
    }
    let bytes = match dtype {
        DType::Bool => contents.bool_contents.into_iter().map(u8::from).collect(),
        DType::Int8 => narrowed(dtype, &contents.int_contents, i8::to_le_bytes)?,
        DType::Int16 => narrowed(dtype, &contents.int_contents, i16::to_le_bytes)?,
        DType::Int32 => packed(&contents.int_contents, i32::to_le_bytes),
        DType::Int64 => packed(&contents.int64_contents, i64::to_le_bytes),
        DType::Uint8 => narrowed(dtype, &contents.uint_contents, u8::to_le_bytes)?,
        DType::Uint16 => narrowed(dtype, &contents.uint_contents, u16::to_le_bytes)?,
        DType::Uint32 => packed(&contents.uint_contents, u32::to_le_bytes),
        DType::Uint64 => packed(&contents.uint64_contents, u64::to_le_bytes),
        DType::Fp32 => packed(&contents.fp32_contents, f32::to_le_bytes),
        DType::Fp64 => packed(&contents.fp64_contents, f64::to_le_bytes),
        DType::Bytes => {
            let encoded = strings::encode(&contents.bytes_contents);
            encoded.map_err(|_| Fault::Shape {
                input: input.to_owned(),
            })?
        }
        // They have no member, so that nothing was given.
        DType::Fp16 | DType::Bf16 => Vec::new(),
    };
    Ok(bytes.into())
}

fn packed<T: Copy, const N: usize>(numbers: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(numbers.len() * N);
    for number in numbers {
        packed.extend_from_slice(&bytes(*number));
    }
    packed
}

/// The same with numbers of a smaller type.
fn narrowed<T, S, const N: usize>(
    dtype: DType,
    numbers: &[T],
    bytes: fn(S) -> [u8; N],
) -> Result<Vec<u8>, Fault>
where
    T: Copy + std::fmt::Display,
    S: TryFrom<T>,
{
    let mut packed = Vec::with_capacity(numbers.len() * N);
    for number in numbers {
        let small = S::try_from(*number).map_err(|_| Fault::Range {
            member: "contents",
            number: number.to_string(),
            dtype,
        })?;
        packed.extend_from_slice(&bytes(small));
    }
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_bytes_of_their_type_or_nothing() {
        let ints = |numbers: &[i32]| InferTensorContents {
            int_contents: numbers.to_vec(),
            ..InferTensorContents::default()
        };
        let check = |dtype, contents, expected: &[u8]| {
            assert_eq!(read("x", dtype, contents).unwrap(), expected, "{dtype}");
        };
        check(DType::Int8, ints(&[-1, 127]), &[255, 127]);
        check(DType::Int16, ints(&[-2]), &[254, 255]);
        check(DType::Int32, ints(&[1]), &[1, 0, 0, 0]);
        let texts = InferTensorContents {
            bytes_contents: vec![Bytes::from_static(b"a"), Bytes::new()],
            ..InferTensorContents::default()
        };
        check(DType::Bytes, texts, &[1, 0, 0, 0, b'a', 0, 0, 0, 0]);
        let refused = |dtype, contents, expected: &str| {
            let fault = read("x", dtype, contents).unwrap_err();
            assert_eq!(fault.to_string(), expected);
        };
        refused(
            DType::Int8,
            ints(&[128]),
            "Unable to parse 'contents': 128 is out of range for INT8",
        );
        refused(
            DType::Fp16,
            ints(&[1]),
            "unexpected explicit tensor data for input tensor 'x' of type 'FP16' in int_contents",
        );
        refused(
            DType::Fp32,
            ints(&[1]),
            "unexpected explicit tensor data for input tensor 'x' of type 'FP32' in int_contents",
        );
    }
}
