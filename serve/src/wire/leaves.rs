//! The elements of a tensor in JSON, straight into the bytes that a model reads.
//!
//! Numbers are taken exactly or not at all: nothing is rounded into a type that cannot hold it, nothing wraps.

use bytes::Bytes;
use nav_package_format::DType;

use super::cursor::{Cursor, Kind};
use super::fault::Fault;

/// The elements of the array that comes next, however it is nested; there must be `count`.
pub(crate) fn read(cursor: &mut Cursor<'_>, dtype: DType, count: usize) -> Result<Bytes, Fault> {
    if cursor.kind()? != Kind::Array {
        return Err(kind("array"));
    }
    let mut leaves = Leaves {
        dtype,
        // What the text cannot hold is not reserved for.
        bytes: Vec::with_capacity(
            count
                .min(cursor.rest())
                .saturating_mul(dtype.element_size().unwrap_or(4)),
        ),
        left: count,
    };
    leaves.array(cursor)?;
    if leaves.left > 0 {
        return Err(Fault::Count);
    }
    Ok(leaves.bytes.into())
}

/// The one element that comes next.
pub(crate) fn read_one(cursor: &mut Cursor<'_>, dtype: DType) -> Result<Bytes, Fault> {
    let mut leaves = Leaves {
        dtype,
        bytes: Vec::new(),
        left: 0,
    };
    let found = cursor.kind()?;
    leaves.leaf(cursor, found)?;
    Ok(leaves.bytes.into())
}

const fn kind(expected: &'static str) -> Fault {
    Fault::Kind {
        member: "data",
        expected,
    }
}

struct Leaves {
    dtype: DType,
    bytes: Vec<u8>,
    left: usize,
}

impl Leaves {
    fn array(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        cursor.array(&mut |cursor| {
            let found = cursor.kind()?;
            if found == Kind::Array {
                return self.array(cursor);
            }
            self.left = self.left.checked_sub(1).ok_or(Fault::Count)?;
            self.leaf(cursor, found)
        })
    }

    fn leaf(&mut self, cursor: &mut Cursor<'_>, found: Kind) -> Result<(), Fault> {
        let (wanted, name) = match self.dtype {
            DType::Bool => (Kind::Bool, "boolean"),
            DType::Bytes => (Kind::Text, "string"),
            DType::Fp16 | DType::Bf16 | DType::Fp32 | DType::Fp64 => (Kind::Number, "number"),
            DType::Uint8 | DType::Uint16 | DType::Uint32 | DType::Uint64 => {
                (Kind::Number, "unsigned-integer")
            }
            DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => {
                (Kind::Number, "signed-integer")
            }
        };
        if found != wanted {
            return Err(kind(name));
        }
        match self.dtype {
            DType::Bool => self.bytes.push(u8::from(cursor.boolean()?)),
            DType::Bytes => {
                let text = cursor.string()?;
                let length = u32::try_from(text.len()).map_err(|_| kind("string"))?;
                self.bytes.extend_from_slice(&length.to_le_bytes());
                self.bytes.extend_from_slice(text.as_bytes());
            }
            _ => {
                let written = cursor.number()?;
                self.number(written, name)?;
            }
        }
        Ok(())
    }

    fn number(&mut self, written: &str, name: &'static str) -> Result<(), Fault> {
        let dtype = self.dtype;
        let range = || Fault::Range {
            member: "data",
            number: written.to_owned(),
            dtype,
        };
        let is_named = written.ends_with(['N', 'f', 'y']);
        if !self.dtype.is_float() {
            if is_named || written.contains(['.', 'e', 'E']) {
                return Err(kind(name));
            }
            // As wide as any type, so that a number is either right or refused.
            let number: i128 = written.parse().map_err(|_| range())?;
            return self.integer(number).ok_or_else(range);
        }
        let bytes = &mut self.bytes;
        if self.dtype == DType::Fp64 {
            let number: f64 = parse_named(written).parse().map_err(|_| range())?;
            if number.is_infinite() && !is_named {
                return Err(range());
            }
            bytes.extend_from_slice(&number.to_le_bytes());
        } else {
            let number: f32 = parse_named(written).parse().map_err(|_| range())?;
            if number.is_infinite() && !is_named {
                return Err(range());
            }
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Ok(())
    }

    fn integer(&mut self, number: i128) -> Option<()> {
        let bytes = &mut self.bytes;
        match self.dtype {
            DType::Uint8 => bytes.extend_from_slice(&u8::try_from(number).ok()?.to_le_bytes()),
            DType::Uint16 => bytes.extend_from_slice(&u16::try_from(number).ok()?.to_le_bytes()),
            DType::Uint32 => bytes.extend_from_slice(&u32::try_from(number).ok()?.to_le_bytes()),
            DType::Uint64 => bytes.extend_from_slice(&u64::try_from(number).ok()?.to_le_bytes()),
            DType::Int8 => bytes.extend_from_slice(&i8::try_from(number).ok()?.to_le_bytes()),
            DType::Int16 => bytes.extend_from_slice(&i16::try_from(number).ok()?.to_le_bytes()),
            DType::Int32 => bytes.extend_from_slice(&i32::try_from(number).ok()?.to_le_bytes()),
            DType::Int64 => bytes.extend_from_slice(&i64::try_from(number).ok()?.to_le_bytes()),
            _ => return None,
        }
        Some(())
    }
}

/// The names of this protocol are those of Rust, but for their length.
fn parse_named(written: &str) -> &str {
    match written {
        "Infinity" | "Inf" => "inf",
        "-Infinity" | "-Inf" => "-inf",
        "-NaN" => "NaN",
        other => other,
    }
}

#[cfg(test)]
mod tests;
