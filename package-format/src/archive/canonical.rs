//! Whether the bytes around the contents are exactly those that we write. There are no contents to look at.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::error::{ArchiveError, EntryFault};
use super::layout::{Entry, Layout};
use super::record::{self, Alignment, Record};

/// Compares everything but the contents with what would be written.
pub(super) fn check(source: &mut (impl Read + Seek), layout: &Layout) -> Result<(), ArchiveError> {
    for entry in &layout.entries {
        let refused = || ArchiveError::in_entry(&entry.name, EntryFault::NotCanonical);
        if !entry.is_stored() || entry.is_folder() {
            return Err(refused());
        }
        let header = record_of(entry).header(Alignment::Of64);
        if entry.header_at + header.len() as u64 != entry.data_at {
            return Err(refused());
        }
        let start = SeekFrom::Start(entry.header_at);
        source.seek(start).map_err(ArchiveError::Io)?;
        if !is_next(source, &header)? {
            return Err(refused());
        }
    }
    let start = SeekFrom::Start(layout.directory_at);
    source.seek(start).map_err(ArchiveError::Io)?;
    let mut source = BufReader::new(source);
    let mut record = Vec::new();
    let mut bytes = 0;
    for entry in &layout.entries {
        record.clear();
        record_of(entry).put_in_directory(&mut record);
        if !is_next(&mut source, &record)? {
            let fault = EntryFault::NotCanonical;
            return Err(ArchiveError::in_entry(&entry.name, fault));
        }
        bytes += record.len() as u64;
    }
    let end = record::end(layout.entries.len() as u64, bytes, layout.directory_at);
    let whole = layout.directory_at + bytes + end.len() as u64;
    if whole != layout.size || !is_next(&mut source, &end)? {
        return Err(ArchiveError::structure(
            "its end is not the one that would be written",
        ));
    }
    Ok(())
}

fn record_of(entry: &Entry) -> Record<'_> {
    Record {
        name: &entry.name,
        bytes: entry.bytes,
        crc: entry.crc,
        header_at: entry.header_at,
    }
}

/// Whether the source goes on with these bytes.
fn is_next(source: &mut impl Read, expected: &[u8]) -> Result<bool, ArchiveError> {
    let mut found = vec![0; expected.len()];
    source
        .read_exact(&mut found)
        .map_err(ArchiveError::outside)?;
    Ok(found == expected)
}
