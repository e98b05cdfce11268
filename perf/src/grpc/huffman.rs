//! The code that texts of header fields may be written in (RFC 7541, appendix B).
//!
//! It is canonical: of codes of one length, those of smaller bytes come first. So the lengths tell all of it.

use std::sync::LazyLock;

/// How many bits the code of each byte has.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The most bits of a code.
const LONGEST: usize = 30;

static CODE: LazyLock<Code> = LazyLock::new(Code::new);

/// The code, by length.
struct Code {
    /// Of each length, the first code, and where its bytes begin.
    starts: [(u32, usize); LONGEST + 2],
    /// Bytes in the order of their codes.
    bytes: Vec<u8>,
}

impl Code {
    fn new() -> Self {
        let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
        bytes.sort_by_key(|byte| LENGTHS[usize::from(*byte)]);
        let mut starts = [(0, 0); LONGEST + 2];
        let (mut code, mut begin) = (0_u32, 0);
        for (length, start) in starts.iter_mut().enumerate() {
            code <<= 1;
            *start = (code, begin);
            let count = LENGTHS
                .iter()
                .filter(|it| usize::from(**it) == length)
                .count();
            code += u32::try_from(count).unwrap_or_default();
            begin += count;
        }
        Self { starts, bytes }
    }

    /// The byte of a code of this length, if it is one.
    fn byte(&self, code: u32, length: usize) -> Option<u8> {
        let (first, begin) = self.starts.get(length)?;
        let (_, end) = self.starts.get(length + 1)?;
        let place = begin + usize::try_from(code.checked_sub(*first)?).ok()?;
        (place < *end).then(|| self.bytes.get(place).copied())?
    }
}

/// The text, or nothing if this is no code of one.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len() * 2);
    let (mut code, mut length) = (0_u32, 0);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if let Some(found) = CODE.byte(code, length) {
                text.push(found);
                (code, length) = (0, 0);
            } else if length > LONGEST {
                return None;
            }
        }
    }
    // What fills up the last byte is the beginning of a code of ones.
    let is_filling = length < 8 && code == (1 << length) - 1;
    is_filling.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_specification_are_read() {
        let check = |bytes: &[u8], expected: Option<&str>| {
            let found = decode(bytes).map(|text| String::from_utf8(text).unwrap());
            assert_eq!(found.as_deref(), expected);
        };
        check(
            &[
                0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
            ],
            Some("www.example.com"),
        );
        check(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], Some("no-cache"));
        check(
            &[
                0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04, 0x0b,
                0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff,
            ],
            Some("Mon, 21 Oct 2013 20:13:21 GMT"),
        );
        check(&[], Some(""));
        check(&[0x07], Some("0"));
        // Filled up with zeros, and the code that ends a text, which none holds.
        check(&[0x00], None);
        check(&[0xff, 0xff, 0xff, 0xff], None);
    }

    #[test]
    fn every_byte_has_a_code_of_its_own() {
        let code = Code::new();
        let mut sum = 0_u64;
        for length in 0..=LONGEST {
            let count = LENGTHS
                .iter()
                .filter(|it| usize::from(**it) == length)
                .count() as u64;
            sum += count << (LONGEST - length);
        }
        // All that is left is the code that ends a text.
        assert_eq!(sum, (1 << LONGEST) - 1);
        assert_eq!(code.bytes.len(), 256);
    }
}
