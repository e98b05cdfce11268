//! Writes an archive to a file: in one pass, with flat memory, the same bytes for the same entries, and all
//! of it or nothing.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::error::{ArchiveError, EntryFault};
use super::limits::Limits;
use super::name::{check_name, check_together};
use super::partial::Partial;
use super::sink::{Alignment, Sink};
use crate::{Digest, Hasher};

/// How much is copied at once.
const PIECE: usize = 1 << 18;

/// An archive in the making. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct ArchiveWriter {
    sink: Sink<BufWriter<File>>,
    partial: Partial,
    names: Vec<String>,
}

/// What was written of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub digest: Digest,
}

impl ArchiveWriter {
    /// Begins an archive that will be at this path once it is finished.
    pub fn create(path: &Path) -> Result<Self, ArchiveError> {
        let (partial, file) = Partial::create(path)?;
        Ok(Self {
            sink: Sink::new(BufWriter::new(file)),
            partial,
            names: Vec::new(),
        })
    }

    /// Adds an entry with the content that `source` gives, which must have `bytes` bytes. Entries keep the
    /// order in which they are added. `seen` is told the bytes written so far. After an error, the archive
    /// cannot be finished.
    pub fn add(
        &mut self,
        name: &str,
        bytes: u64,
        source: &mut dyn Read,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Written, ArchiveError> {
        check_name(name, &Limits::default())
            .map_err(|fault| ArchiveError::in_entry(name, fault))?;
        let (sink, partial) = (&mut self.sink, &self.partial);
        // An entry that is not complete is never named, so that finishing finds out.
        self.names.push(String::new());
        let started = sink.start(name, bytes, Alignment::Of64);
        let mut entry = started.map_err(|error| partial.failed(error))?;
        let size = |found| {
            let expected = bytes;
            ArchiveError::in_entry(name, EntryFault::Size { expected, found })
        };
        let mut hasher = Hasher::default();
        let mut piece = vec![0; PIECE];
        let mut total = 0;
        loop {
            let count = match source.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ArchiveError::of_reading(name, error)),
            };
            total += count as u64;
            if total > bytes {
                return Err(size(total));
            }
            let piece = &piece[..count];
            entry
                .write_all(piece)
                .map_err(|error| partial.failed(error))?;
            hasher.update(piece);
            seen(total);
        }
        if total < bytes {
            return Err(size(total));
        }
        entry.finish().map_err(|error| partial.failed(error))?;
        if let Some(last) = self.names.last_mut() {
            name.clone_into(last);
        }
        Ok(Written {
            bytes,
            digest: hasher.finish(),
        })
    }

    /// Adds an entry with this content.
    pub fn add_bytes(&mut self, name: &str, mut bytes: &[u8]) -> Result<Written, ArchiveError> {
        self.add(name, bytes.len() as u64, &mut bytes, &mut |_| {})
    }

    /// Completes the archive and puts it in its place. Whatever was there before is replaced.
    pub fn finish(self) -> Result<(), ArchiveError> {
        let Self {
            sink,
            partial,
            names,
        } = self;
        if names.iter().any(String::is_empty) {
            return Err(ArchiveError::structure("an entry was not completed"));
        }
        check_together(names.iter().map(String::as_str))?;
        let writer = sink.finish().map_err(|error| partial.failed(error))?;
        let file = writer
            .into_inner()
            .map_err(|error| partial.failed(error.into_error()))?;
        partial.commit(&file)
    }
}
