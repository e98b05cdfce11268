//! The elements of a tensor as JSON has them.

use std::fmt::Write;

use nav_package_format::{DType, TensorData};

use crate::error::PerfError;

/// Writes the elements, with commas between them.
pub(crate) fn elements(
    input: &str,
    tensor: &TensorData,
    out: &mut String,
) -> Result<(), PerfError> {
    let bytes = tensor.bytes();
    let written = match tensor.dtype() {
        DType::Bool => numbers(bytes, out, |[byte]: [u8; 1]| Some(byte != 0)),
        DType::Uint8 => numbers(bytes, out, |it| Some(u8::from_le_bytes(it))),
        DType::Uint16 => numbers(bytes, out, |it| Some(u16::from_le_bytes(it))),
        DType::Uint32 => numbers(bytes, out, |it| Some(u32::from_le_bytes(it))),
        DType::Uint64 => numbers(bytes, out, |it| Some(u64::from_le_bytes(it))),
        DType::Int8 => numbers(bytes, out, |it| Some(i8::from_le_bytes(it))),
        DType::Int16 => numbers(bytes, out, |it| Some(i16::from_le_bytes(it))),
        DType::Int32 => numbers(bytes, out, |it| Some(i32::from_le_bytes(it))),
        DType::Int64 => numbers(bytes, out, |it| Some(i64::from_le_bytes(it))),
        DType::Fp32 => numbers(bytes, out, |it| {
            let value = f32::from_le_bytes(it);
            value.is_finite().then(|| Spelled(format!("{value:?}")))
        }),
        DType::Fp64 => numbers(bytes, out, |it| {
            let value = f64::from_le_bytes(it);
            value.is_finite().then(|| Spelled(format!("{value:?}")))
        }),
        DType::Bytes => strings(tensor, out),
        _ => None,
    };
    written.ok_or_else(|| PerfError::NoJson {
        input: input.to_owned(),
        dtype: tensor.dtype(),
    })
}

/// A number in the form that has a point, so that no server takes it for a whole one.
struct Spelled(String);

impl std::fmt::Display for Spelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn numbers<const SIZE: usize, T: std::fmt::Display>(
    bytes: &[u8],
    out: &mut String,
    read: impl Fn([u8; SIZE]) -> Option<T>,
) -> Option<()> {
    let (elements, _) = bytes.as_chunks::<SIZE>();
    for (position, element) in elements.iter().enumerate() {
        let value = read(*element)?;
        let comma = if position > 0 { "," } else { "" };
        write!(out, "{comma}{value}").ok()?;
    }
    Some(())
}

fn strings(tensor: &TensorData, out: &mut String) -> Option<()> {
    for (position, string) in tensor.view().strings().enumerate() {
        let text = std::str::from_utf8(string).ok()?;
        let comma = if position > 0 { "," } else { "" };
        write!(out, "{comma}{}", serde_json::Value::from(text)).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use nav_package_format::Shape;

    use super::*;

    fn written(dtype: DType, count: usize, bytes: &[u8]) -> Option<String> {
        let tensor = TensorData::new(dtype, Shape::from([count]), bytes.to_vec()).unwrap();
        let mut out = String::new();
        elements("x", &tensor, &mut out).ok().map(|()| out)
    }

    #[test]
    fn elements_are_what_they_were() {
        let check = |dtype, count, bytes: &[u8], expected: Option<&str>| {
            assert_eq!(written(dtype, count, bytes).as_deref(), expected, "{dtype}");
        };
        check(DType::Bool, 2, &[0, 1], Some("false,true"));
        check(DType::Int8, 2, &[255, 3], Some("-1,3"));
        check(DType::Uint64, 1, &[255; 8], Some("18446744073709551615"));
        check(DType::Int32, 0, &[], Some(""));
        check(DType::Fp32, 1, &0.1_f32.to_le_bytes(), Some("0.1"));
        check(DType::Fp32, 1, &3.0_f32.to_le_bytes(), Some("3.0"));
        check(DType::Fp64, 1, &1e300_f64.to_le_bytes(), Some("1e300"));
        check(DType::Fp64, 1, &f64::NAN.to_le_bytes(), None);
        check(
            DType::Bytes,
            2,
            b"\x02\0\0\0a\"\x01\0\0\0b",
            Some(r#""a\"","b""#),
        );
        check(DType::Bytes, 1, b"\x01\0\0\0\xff", None);
        check(DType::Fp16, 1, &[0, 0], None);
    }
}
