//! Writes an archive to anything that can be written and sought in. One pass: the header of an entry is
//! written with its size, and completed with the checksum once the content is through.

use std::io::{self, Seek, SeekFrom, Write};

pub(crate) use super::record::Alignment;
use super::record::{self, CRC_AT, Record};

/// An archive in the making.
#[derive(Debug)]
pub(crate) struct Sink<W> {
    target: W,
    at: u64,
    entries: u64,
    directory: Vec<u8>,
}

/// The entry that is being written.
#[derive(Debug)]
pub(crate) struct EntrySink<'a, W> {
    sink: &'a mut Sink<W>,
    name: &'a str,
    bytes: u64,
    header_at: u64,
    left: u64,
    crc: crc32fast::Hasher,
}

impl<W: Write + Seek> Sink<W> {
    /// An archive that begins where the target is, which must be its start.
    pub(crate) const fn new(target: W) -> Self {
        Self {
            target,
            at: 0,
            entries: 0,
            directory: Vec::new(),
        }
    }

    /// Begins an entry of exactly this size. The name must be one that can be read back.
    pub(crate) fn start<'a>(
        &'a mut self,
        name: &'a str,
        bytes: u64,
        alignment: Alignment,
    ) -> io::Result<EntrySink<'a, W>> {
        if name.len() > usize::from(u16::MAX) {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let record = Record {
            name,
            bytes,
            crc: 0,
            header_at: self.at,
        };
        let header = record.header(alignment);
        self.target.write_all(&header)?;
        self.at += header.len() as u64;
        Ok(EntrySink {
            name,
            bytes,
            header_at: record.header_at,
            left: bytes,
            crc: crc32fast::Hasher::new(),
            sink: self,
        })
    }

    /// Writes the directory and gives the target back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let bytes = self.directory.len() as u64;
        self.target.write_all(&self.directory)?;
        let end = record::end(self.entries, bytes, self.at);
        self.target.write_all(&end)?;
        self.target.flush()?;
        Ok(self.target)
    }
}

impl<W: Write + Seek> EntrySink<'_, W> {
    /// Completes the entry. It must have got as many bytes as it was begun with.
    pub(crate) fn finish(self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let record = Record {
            name: self.name,
            bytes: self.bytes,
            crc: self.crc.finalize(),
            header_at: self.header_at,
        };
        let Sink { target, at, .. } = self.sink;
        target.seek(SeekFrom::Start(self.header_at + CRC_AT))?;
        target.write_all(&record.crc.to_le_bytes())?;
        target.seek(SeekFrom::Start(*at))?;
        record.put_in_directory(&mut self.sink.directory);
        self.sink.entries += 1;
        Ok(())
    }
}

impl<W: Write> Write for EntrySink<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.sink.target.write(bytes)?;
        self.crc.update(&bytes[..count]);
        self.left -= count as u64;
        self.sink.at += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.target.flush()
    }
}
