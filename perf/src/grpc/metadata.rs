//! Header fields of HTTP/2: those of requests, written once, and what answers say of their status.
//!
//! Servers are told to keep no table of fields, so that a block stands for itself, and one that is equal to another
//! means the same.

use super::huffman;
use crate::error::PerfError;
use crate::failure::Failed;
use crate::target::Target;

/// The fields that have a number, as far as their values are needed (RFC 7541, appendix A).
const STATUSES: [(usize, u16); 7] = [
    (8, 200),
    (9, 204),
    (10, 206),
    (11, 304),
    (12, 400),
    (13, 404),
    (14, 500),
];
/// How many fields have a number.
const NUMBERED: usize = 61;
/// The number of the name of a status.
const NAMED_STATUS: std::ops::RangeInclusive<usize> = 8..=14;

/// What an answer says of its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) http: Option<u16>,
    pub(super) grpc: Option<u32>,
    pub(super) message: String,
}

/// The block of fields of a request.
pub(super) fn request(target: &Target, path: &str) -> Result<Vec<u8>, PerfError> {
    // :method POST, :scheme http or https.
    let mut block = vec![0x83, if target.is_encrypted() { 0x87 } else { 0x86 }];
    // :path and :authority, whose names have numbers, and which nobody is to remember.
    block.push(0x04);
    text(path, &mut block);
    block.push(0x01);
    text(&target.authority, &mut block);
    let usual = [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        (
            "user-agent",
            concat!("nav-perf/", env!("CARGO_PKG_VERSION")),
        ),
    ];
    let own = target.headers.iter();
    let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in usual.into_iter().chain(own) {
        let is_value = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(is_name) && value.bytes().all(is_value);
        if !fits {
            // Its value may be a secret.
            return Err(PerfError::Unspeakable {
                what: "header",
                text: name.to_owned(),
            });
        }
        block.push(0);
        text(&name.to_ascii_lowercase(), &mut block);
        text(value, &mut block);
    }
    Ok(block)
}

fn text(text: &str, out: &mut Vec<u8>) {
    let mut left = text.len();
    if left < 127 {
        out.push(u8::try_from(left).unwrap_or_default());
    } else {
        out.push(127);
        left -= 127;
        while left >= 128 {
            out.push(u8::try_from(left % 128).unwrap_or_default() | 0x80);
            left /= 128;
        }
        out.push(u8::try_from(left).unwrap_or_default());
    }
    out.extend(text.as_bytes());
}

/// What a block of an answer says.
pub(super) fn status(block: &[u8]) -> Result<Status, Failed> {
    let wrong = || Failed::broken("header fields that cannot be read");
    let mut reader = Reader { rest: block };
    let mut status = Status::default();
    while let Some(first) = reader.rest.first().copied() {
        if first & 0x80 != 0 {
            let number = reader.number(7).ok_or_else(wrong)?;
            if number == 0 || number > NUMBERED {
                return Err(wrong());
            }
            if let Some((_, code)) = STATUSES.iter().find(|(known, _)| *known == number) {
                status.http = Some(*code);
            }
            continue;
        }
        if first & 0xe0 == 0x20 {
            // How large a table may be that nobody keeps.
            reader.number(5).ok_or_else(wrong)?;
            continue;
        }
        let bits = if first & 0xc0 == 0x40 { 6 } else { 4 };
        let number = reader.number(bits).ok_or_else(wrong)?;
        let name = if number == 0 {
            reader.text().ok_or_else(wrong)?
        } else if NAMED_STATUS.contains(&number) {
            b":status".to_vec()
        } else if number <= NUMBERED {
            Vec::new()
        } else {
            return Err(wrong());
        };
        let value = reader.text().ok_or_else(wrong)?;
        status.note(&name, &value).ok_or_else(wrong)?;
    }
    Ok(status)
}

impl Status {
    fn note(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let text = || std::str::from_utf8(value).ok();
        match name {
            b":status" => self.http = Some(text()?.parse().ok()?),
            b"grpc-status" => self.grpc = Some(text()?.parse().ok()?),
            b"grpc-message" => self.message = unescaped(value),
            _ => {}
        }
        Some(())
    }
}

/// A message, whose unusual bytes travel as `%` and two digits.
fn unescaped(value: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == b'%');
        let byte =
            digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = match byte {
            Some(_) => after.get(2..).unwrap_or_default(),
            None => after,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A number that begins with the lowest bits of the next byte.
    fn number(&mut self, bits: u32) -> Option<usize> {
        let most = (1_usize << bits) - 1;
        let mut number = usize::from(self.byte()?) & most;
        if number < most {
            return Some(number);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let is_coded = self.rest.first()? & 0x80 != 0;
        let length = self.number(7)?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        if is_coded {
            huffman::decode(text)
        } else {
            Some(text.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Protocol;

    #[test]
    fn statuses_are_read_in_every_form() {
        let check = |block: &[u8], expected: Option<(Option<u16>, Option<u32>, &str)>| {
            let found = status(block).ok();
            let found = found
                .as_ref()
                .map(|it| (it.http, it.grpc, it.message.as_str()));
            assert_eq!(found, expected, "{block:?}");
        };
        check(&[0x88], Some((Some(200), None, "")));
        // A status by the number of its name, and a table of no size before it.
        check(
            &[0x20, 0x08, 3, b'4', b'0', b'3'],
            Some((Some(403), None, "")),
        );
        let mut trailers = vec![0x40];
        text("grpc-status", &mut trailers);
        text("14", &mut trailers);
        trailers.push(0x10);
        text("grpc-message", &mut trailers);
        text("no%20way %", &mut trailers);
        check(&trailers, Some((None, Some(14), "no way %")));
        // Names and values in the code of their own: `grpc-status` `0`.
        let coded = [
            0x40, 0x88, 0x9a, 0xca, 0xc8, 0xb2, 0x12, 0x34, 0xda, 0x8f, 0x81, 0x07,
        ];
        check(&coded, Some((None, Some(0), "")));
        // A field of a table that nobody keeps.
        check(&[0xbe], None);
        check(&[0x40, 5, b'a'], None);
    }

    #[test]
    fn requests_are_read_as_they_are_written() {
        let mut target = Target::at(([127, 0, 0, 1], 1).into(), Protocol::Grpc);
        target.headers = vec![("Token".to_owned(), "x".repeat(300))];
        let block = request(&target, "/a/b").unwrap();
        let mut reader = Reader { rest: &block[3..] };
        assert_eq!(reader.text().unwrap(), b"/a/b");
        // Whatever it does not look for is passed over.
        assert_eq!(status(&block).unwrap(), Status::default());
        target.headers = vec![("a b".to_owned(), String::new())];
        assert!(request(&target, "/a/b").is_err());
    }
}
