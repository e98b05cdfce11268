//! Bodies and messages that travel compressed, both ways, over any protocol.

use std::collections::VecDeque;
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::state::Share;

/// How much is decompressed before there is a look at how much it is.
const STEP: u64 = 256 << 10;

/// How a body, or a message, is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As gzip has it.
    Gzip,
    /// As zlib has it.
    Deflate,
}

/// Why a body cannot be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inflation {
    /// It is not what it is said to be, or it is cut short.
    Corrupt,
    /// It is larger than it may be.
    TooLarge,
    /// It is larger than all bodies together leave room for.
    NoRoom,
}

impl Coding {
    /// The name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// How the body of a request is compressed; `Err` for a way that is not known.
    pub(crate) fn of_request(header: &str) -> Result<Option<Self>, ()> {
        match header.trim() {
            "" | "identity" => Ok(None),
            "gzip" => Ok(Some(Self::Gzip)),
            "deflate" => Ok(Some(Self::Deflate)),
            _ => Err(()),
        }
    }

    /// What a client wants most of what can be done; nothing where it wants nothing or says nothing.
    pub(crate) fn wanted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for item in header.split(',') {
            let mut parts = item.split(';');
            let coding = match parts.next().unwrap_or_default().trim() {
                "gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
            let weight: f32 = weight.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0));
            if weight > 0.0 && best.is_none_or(|(known, _)| weight > known) {
                best = Some((weight, coding));
            }
        }
        best.map(|(_, coding)| coding)
    }

    /// The body as it was before it was compressed, of `limit` bytes at most, which `share` holds from then on.
    pub(crate) fn inflate(
        self,
        body: VecDeque<Bytes>,
        limit: usize,
        share: &mut Share,
    ) -> Result<Bytes, Inflation> {
        let pieces = Pieces(body);
        let mut reader: Box<dyn Read> = match self {
            Self::Gzip => Box::new(GzDecoder::new(pieces)),
            Self::Deflate => Box::new(ZlibDecoder::new(pieces)),
        };
        let mut plain = Vec::new();
        loop {
            let read = reader.by_ref().take(STEP).read_to_end(&mut plain);
            match read.map_err(|_| Inflation::Corrupt)? {
                0 => return Ok(plain.into()),
                _ if plain.len() > limit => return Err(Inflation::TooLarge),
                more if !share.grow(more) => return Err(Inflation::NoRoom),
                _ => {}
            }
        }
    }

    /// These pieces, compressed.
    pub(crate) fn deflate(self, pieces: &[Bytes]) -> std::io::Result<Bytes> {
        let compressed = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                for piece in pieces {
                    encoder.write_all(piece)?;
                }
                encoder.finish()?
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                for piece in pieces {
                    encoder.write_all(piece)?;
                }
                encoder.finish()?
            }
        };
        Ok(compressed.into())
    }
}

/// Pieces, read one after the other.
struct Pieces(VecDeque<Bytes>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some(first) = self.0.front_mut() {
            if first.is_empty() {
                self.0.pop_front();
                continue;
            }
            let length = first.len().min(buffer.len());
            let taken = first.split_to(length);
            for (to, from) in buffer.iter_mut().zip(&taken) {
                *to = *from;
            }
            return Ok(length);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Budget;

    #[test]
    fn the_coding_of_the_highest_weight_wins() {
        let check = |header, expected| assert_eq!(Coding::wanted(header), expected, "{header}");
        check("gzip", Some(Coding::Gzip));
        check("deflate, gzip;q=0.5", Some(Coding::Deflate));
        check("gzip;q=0.2, deflate;q=0.8", Some(Coding::Deflate));
        check("gzip;q=0", None);
        check("br", None);
        check("", None);
    }

    #[test]
    fn what_is_compressed_comes_back_and_nothing_larger_than_allowed() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            let plain = Bytes::from(vec![7; 100_000]);
            let packed = coding.deflate(std::slice::from_ref(&plain)).unwrap();
            let split = || {
                let mut rest = packed.clone();
                let first = rest.split_to(3);
                VecDeque::from([first, rest])
            };
            let budget = Budget::new(250_000);
            let check = |body, limit, expected| {
                assert_eq!(coding.inflate(body, limit, &mut budget.share()), expected);
                assert_eq!(budget.held(), 0);
            };
            check(split(), 100_000, Ok(plain));
            check(split(), 99_999, Err(Inflation::TooLarge));
            let short = VecDeque::from([packed.slice(..packed.len() - 5)]);
            check(short, 100_000, Err(Inflation::Corrupt));
            let other = VecDeque::from([Bytes::from_static(b"notgzip")]);
            check(other, 100, Err(Inflation::Corrupt));
            let mut shares = [(); 3].map(|()| budget.share());
            let inflated = shares.each_mut();
            let inflated = inflated.map(|share| coding.inflate(split(), 100_000, share).is_ok());
            assert_eq!(
                inflated,
                [true, true, false],
                "two are all that there is room for"
            );
        }
    }
}
