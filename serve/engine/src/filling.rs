//! Elements of tensors that nobody asked about: what models are warmed up with.

use nav_package_format::{DType, Shape};

/// The most bytes of such a tensor.
const MOST_BYTES: usize = 1 << 30;

/// What a tensor is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Zeros; empty byte strings.
    Zeros,
    /// Anything that is a number, the same each time; empty byte strings.
    Numbers,
}

impl Filling {
    /// The most bytes that a tensor of this type and shape may have; an error if it has more.
    pub fn most_bytes(dtype: DType, shape: &Shape) -> Result<usize, String> {
        sized(dtype, shape).map(|_| MOST_BYTES)
    }

    /// Elements of this type, as many as the shape has; an error if they are too many.
    pub fn bytes(self, dtype: DType, shape: &Shape) -> Result<Vec<u8>, String> {
        let size = sized(dtype, shape)?;
        Ok(match self {
            Self::Numbers if dtype != DType::Bytes => numbers(dtype, size),
            // Each byte string is its length, which is 0.
            Self::Zeros | Self::Numbers => vec![0; size],
        })
    }
}

/// The bytes of such a tensor, the strings of which are empty.
fn sized(dtype: DType, shape: &Shape) -> Result<usize, String> {
    let text = |error: nav_package_format::ShapeError| error.to_string();
    let size = match shape.byte_size(dtype).map_err(text)? {
        Some(size) => size,
        None => shape.element_count().map_err(text)?.saturating_mul(4),
    };
    if size > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    Ok(size)
}

fn numbers(dtype: DType, size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        let [byte, second, ..] = next();
        match dtype {
            DType::Bool => bytes.push(byte & 1),
            // From 1 to 2, whatever the rest of the bits is.
            DType::Fp32 => bytes.extend([byte, second, 0x80 | (byte & 0x7f), 0x3f]),
            DType::Fp64 => bytes.extend([0, 0, 0, byte, second, byte, 0xf0 | (second & 0xf), 0x3f]),
            DType::Fp16 => bytes.extend([byte, 0x3c | (second & 0x3)]),
            DType::Bf16 => bytes.extend([0x80 | (byte & 0x7f), 0x3f]),
            _ => bytes.push(byte & 0x7f),
        }
    }
    bytes.truncate(size);
    bytes
}
