//! The content of one entry, checked while it is read. The last bytes are given out only when everything
//! agrees, so that who reads it all has read what was meant.

use std::io::{self, BufReader, Read};

use flate2::bufread::DeflateDecoder;

use super::error::{ArchiveError, EntryFault};
use super::layout::{Entry, Method};
use crate::{Digest, Hasher};

/// A reader of one entry.
#[derive(Debug)]
pub(crate) struct Content<'e, R> {
    entry: &'e Entry,
    packed: Packed<R>,
    /// How many bytes are still to come.
    left: u64,
    crc: crc32fast::Hasher,
    digest: Option<(Hasher, Digest)>,
    state: State,
}

#[derive(Debug)]
enum Packed<R> {
    Stored(io::Take<R>),
    Deflated(DeflateDecoder<BufReader<io::Take<R>>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Checked,
    Damaged,
}

impl<'e, R: Read> Content<'e, R> {
    /// The content that begins where `source` is.
    pub(crate) fn new(source: R, entry: &'e Entry, expected: Option<Digest>) -> Self {
        let source = source.take(entry.packed);
        let packed = match entry.method {
            Method::Stored => Packed::Stored(source),
            Method::Deflated => Packed::Deflated(DeflateDecoder::new(BufReader::new(source))),
        };
        Self {
            entry,
            packed,
            left: entry.bytes,
            crc: crc32fast::Hasher::new(),
            digest: expected.map(|expected| (Hasher::default(), expected)),
            state: State::Reading,
        }
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, EntryFault> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        let mut count = 0;
        if most > 0 {
            count = self.packed.read(&mut buffer[..most])?;
            if count == 0 {
                return Err(EntryFault::Size {
                    expected: self.entry.bytes,
                    found: self.entry.bytes - self.left,
                });
            }
        }
        self.crc.update(&buffer[..count]);
        if let Some((hasher, _)) = &mut self.digest {
            hasher.update(&buffer[..count]);
        }
        self.left -= count as u64;
        if self.left == 0 {
            self.finish()?;
            self.state = State::Checked;
        }
        Ok(count)
    }

    fn finish(&mut self) -> Result<(), EntryFault> {
        self.packed.finish(self.entry)?;
        if self.crc.clone().finalize() != self.entry.crc {
            return Err(EntryFault::Checksum);
        }
        if let Some((hasher, expected)) = self.digest.take() {
            let found = hasher.finish();
            if found != expected {
                return Err(EntryFault::Digest { expected, found });
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let fault = match self.state {
            State::Checked => return Ok(0),
            // Who asks for nothing gets nothing, and no verdict.
            State::Reading if buffer.is_empty() && self.left > 0 => return Ok(0),
            State::Reading => match self.next(buffer) {
                Ok(count) => return Ok(count),
                Err(EntryFault::Read(error)) if error.kind() == io::ErrorKind::Interrupted => {
                    return Err(error);
                }
                Err(fault) => fault,
            },
            State::Damaged => EntryFault::Damaged,
        };
        self.state = State::Damaged;
        Err(ArchiveError::in_entry(&self.entry.name, fault).into())
    }
}

impl<R: Read> Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, EntryFault> {
        match self {
            Self::Stored(source) => source.read(buffer).map_err(EntryFault::Read),
            // What the decoder itself reports has no number of the system's.
            Self::Deflated(decoder) => decoder.read(buffer).map_err(|error| {
                if error.raw_os_error().is_some() {
                    EntryFault::Read(error)
                } else {
                    EntryFault::Deflate
                }
            }),
        }
    }

    /// Checks that there is nothing left.
    fn finish(&mut self, entry: &Entry) -> Result<(), EntryFault> {
        if self.read(&mut [0])? != 0 {
            return Err(EntryFault::Size {
                expected: entry.bytes,
                found: entry.bytes.saturating_add(1),
            });
        }
        match self {
            Self::Deflated(decoder) if decoder.total_in() != entry.packed => {
                Err(EntryFault::Deflate)
            }
            _ => Ok(()),
        }
    }
}
