//! NumPy's element types: which are those of a tensor, and how their bytes lie.

use super::error::ElementError;
use crate::DType;

/// What one element is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number or truth value of this type.
    Plain(DType),
    /// Bytes, padded with zero bytes.
    Bytes,
    /// Characters of four bytes each, padded with zero characters.
    Unicode,
}

/// An element type as a file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) kind: Kind,
    /// Bytes that an element takes in the file.
    pub(super) width: usize,
    /// Whether the most significant byte comes first.
    pub(super) big_endian: bool,
}

/// Bytes that one character of a unicode string takes.
pub(super) const CHARACTER: usize = 4;

impl Element {
    /// The type that NumPy calls `descr`: the order of the bytes, a letter, a length.
    pub(super) fn parse(descr: &str) -> Result<Self, ElementError> {
        let unknown = || ElementError::Unknown {
            descr: descr.to_owned(),
        };
        let (order, rest) = match descr.split_at_checked(1).ok_or_else(unknown)? {
            (order @ ("<" | ">" | "|"), rest) => (order, rest),
            // Old files leave the order out where it has no meaning.
            _ => ("|", descr),
        };
        let (letter, digits) = rest.split_at_checked(1).ok_or_else(unknown)?;
        if let Some(error) = unsupported(descr, letter, digits) {
            return Err(error);
        }
        // `parse` alone would let a sign pass.
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let length = digits.parse().ok().filter(|_| plain);
        let length: usize = length.ok_or_else(unknown)?;
        let kind = match (letter, length) {
            ("S", _) => Kind::Bytes,
            ("U", _) => Kind::Unicode,
            _ => Kind::Plain(plain_type(letter, length).ok_or_else(unknown)?),
        };
        let width = match kind {
            Kind::Unicode => length.checked_mul(CHARACTER).ok_or_else(unknown)?,
            _ => length,
        };
        let ordered = order != "|" || matches!(kind, Kind::Bytes | Kind::Plain(DType::Bf16));
        if width > 1 && !ordered {
            return Err(unknown());
        }
        Ok(Self {
            kind,
            width,
            big_endian: order == ">",
        })
    }

    /// The element type of the tensor that comes of it.
    pub(super) const fn dtype(self) -> DType {
        match self.kind {
            Kind::Plain(dtype) => dtype,
            Kind::Bytes | Kind::Unicode => DType::Bytes,
        }
    }

    /// The most bytes that one element can take in the tensor. UTF-8 never takes more than the four
    /// bytes a character has in the file.
    pub(super) const fn decoded_width(self) -> Option<usize> {
        match self.kind {
            Kind::Plain(_) => Some(self.width),
            Kind::Bytes | Kind::Unicode => self.width.checked_add(size_of::<u32>()),
        }
    }
}

fn plain_type(letter: &str, length: usize) -> Option<DType> {
    Some(match (letter, length) {
        ("b", 1) => DType::Bool,
        ("u", 1) => DType::Uint8,
        ("u", 2) => DType::Uint16,
        ("u", 4) => DType::Uint32,
        ("u", 8) => DType::Uint64,
        ("i", 1) => DType::Int8,
        ("i", 2) => DType::Int16,
        ("i", 4) => DType::Int32,
        ("i", 8) => DType::Int64,
        ("f", 2) => DType::Fp16,
        // NumPy has no bfloat16; the one of `ml_dtypes` is written as two bytes without a meaning.
        ("V", 2) => DType::Bf16,
        ("f", 4) => DType::Fp32,
        ("f", 8) => DType::Fp64,
        _ => return None,
    })
}

/// Whether this is a type that NumPy has and tensors have not.
fn unsupported(descr: &str, letter: &str, digits: &str) -> Option<ElementError> {
    let descr = || descr.to_owned();
    let kind = match (letter, digits) {
        ("O", _) => return Some(ElementError::Pickled { descr: descr() }),
        ("V", "2") if !descr().starts_with('>') => return None,
        ("V", _) => "bytes without a meaning",
        ("c", _) => "complex numbers",
        ("M", _) => "dates",
        ("m", _) => "durations",
        ("f", "12" | "16") => "long double numbers",
        _ => return None,
    };
    Some(ElementError::Unsupported {
        descr: descr(),
        kind,
    })
}

/// What NumPy calls the elements of a tensor; `None` for byte strings, which go by their length.
pub(super) const fn descr(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "|b1",
        DType::Uint8 => "|u1",
        DType::Uint16 => "<u2",
        DType::Uint32 => "<u4",
        DType::Uint64 => "<u8",
        DType::Int8 => "|i1",
        DType::Int16 => "<i2",
        DType::Int32 => "<i4",
        DType::Int64 => "<i8",
        DType::Fp16 => "<f2",
        DType::Bf16 => "<V2",
        DType::Fp32 => "<f4",
        DType::Fp64 => "<f8",
        DType::Bytes => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_a_tensor_has_a_name_that_means_it() {
        for &dtype in DType::ALL {
            let Some(descr) = descr(dtype) else {
                assert_eq!(dtype, DType::Bytes);
                continue;
            };
            let element = Element::parse(descr).unwrap();
            assert_eq!(element.kind, Kind::Plain(dtype));
            assert_eq!(Some(element.width), dtype.element_size());
            assert!(!element.big_endian);
        }
    }

    #[test]
    fn strings_and_byte_orders_are_read() {
        let check = |descr: &str, kind, width, big_endian| {
            let expected = Element {
                kind,
                width,
                big_endian,
            };
            assert_eq!(Element::parse(descr), Ok(expected), "{descr}");
        };
        check(">f8", Kind::Plain(DType::Fp64), 8, true);
        check("|V2", Kind::Plain(DType::Bf16), 2, false);
        check("|S5", Kind::Bytes, 5, false);
        check("<U3", Kind::Unicode, 12, false);
        check(">U3", Kind::Unicode, 12, true);
        check("b1", Kind::Plain(DType::Bool), 1, false);
    }

    #[test]
    fn types_that_tensors_have_not_are_refused_by_what_they_are() {
        let check = |descr: &str, expected: &str| {
            let error = Element::parse(descr).unwrap_err().to_string();
            assert_eq!(error, format!("element type `{descr}` {expected}"));
        };
        let objects = "holds Python objects, which are never unpickled";
        for descr in ["|O", "O", "|O8"] {
            check(descr, objects);
        }
        check("<c8", "(complex numbers) is not supported");
        check("<M8[ns]", "(dates) is not supported");
        check("<m8[s]", "(durations) is not supported");
        check("<f16", "(long double numbers) is not supported");
        check("|V3", "(bytes without a meaning) is not supported");
        check(">V2", "(bytes without a meaning) is not supported");
        for descr in [
            "",
            "<",
            "f4",
            "|f4",
            "=f4",
            "<f",
            "<f3",
            "<f+4",
            "<i16",
            "<x4",
            "|S",
            "|S-1",
            "<U",
            "<U18446744073709551615",
            "<f4x",
            "é",
        ] {
            check(descr, "is not known");
        }
    }
}
