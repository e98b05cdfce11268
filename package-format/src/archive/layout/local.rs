//! The header before each entry's content, which must say what the directory says and be where the entry
//! before it ends.

use std::io::{self, Read, Seek, SeekFrom};

use super::central::FLAG_DESCRIPTOR;
use super::entry::Entry;
use super::extra;
use super::number::{number, read_at};
use crate::archive::error::{ArchiveError, EntryFault};
use crate::archive::limits::Dialect;

const HEADER: [u8; 4] = *b"PK\x03\x04";
const HEADER_BYTES: usize = 30;
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// With sizes of four bytes, and of eight.
const DESCRIPTOR_BYTES: [u64; 2] = [16, 24];
const WIDE: u64 = 0xffff_ffff;

/// Checks the headers of all entries, which reach from the first byte to the directory, and fills in where
/// the contents start.
pub(super) fn check_all(
    source: &mut (impl Read + Seek),
    entries: &mut [Entry],
    directory_at: u64,
    dialect: Dialect,
) -> Result<(), ArchiveError> {
    let starts = entries.iter().map(|entry| entry.header_at);
    let ends: Vec<u64> = starts.skip(1).chain([directory_at]).collect();
    if entries.is_empty() && directory_at != 0 {
        return Err(ArchiveError::structure("there is something before it"));
    }
    let mut expected = 0;
    for (entry, end) in entries.iter_mut().zip(ends) {
        let checked = check(source, entry, (expected, end), dialect);
        checked.map_err(|fault| ArchiveError::in_entry(&entry.name, fault))?;
        expected = end;
    }
    Ok(())
}

/// Checks an entry that must reach from the start to the end given.
fn check(
    source: &mut (impl Read + Seek),
    entry: &mut Entry,
    (start, end): (u64, u64),
    dialect: Dialect,
) -> Result<(), EntryFault> {
    if entry.header_at != start {
        return Err(EntryFault::Misplaced);
    }
    let room = end.checked_sub(start).ok_or(EntryFault::Overlap)?;
    if room < HEADER_BYTES as u64 + entry.name.len() as u64 {
        return Err(EntryFault::Overlap);
    }
    let header: [u8; HEADER_BYTES] = read_at(source, start).map_err(reading)?;
    if !header.starts_with(&HEADER) {
        return Err(EntryFault::Misplaced);
    }
    let name_bytes = number::<2>(&header, 26);
    if name_bytes != entry.name.len() as u64 {
        return Err(EntryFault::Disagreement { field: "name" });
    }
    let extra_bytes = number::<2>(&header, 28);
    let data_at = start + HEADER_BYTES as u64 + name_bytes + extra_bytes;
    let data_end = data_at.checked_add(entry.packed);
    let after = data_end.and_then(|data_end| end.checked_sub(data_end));
    let after = after.ok_or(EntryFault::Overlap)?;
    let variable = usize::try_from(name_bytes + extra_bytes).unwrap_or(usize::MAX);
    let mut variable = vec![0; variable];
    source.read_exact(&mut variable).map_err(reading)?;
    let (name, extra) = variable.split_at(entry.name.len());
    if name != entry.name.as_bytes() {
        return Err(EntryFault::Disagreement { field: "name" });
    }
    let late = entry.flags & FLAG_DESCRIPTOR != 0;
    compare(&header, extra, entry, (late, dialect))?;
    entry.data_at = data_at;
    if late {
        check_descriptor(source, entry, after)
    } else if after == 0 {
        Ok(())
    } else {
        Err(EntryFault::Overlap)
    }
}

/// Compares the header's numbers with the directory's.
fn compare(
    header: &[u8; HEADER_BYTES],
    extra: &[u8],
    entry: &Entry,
    (late, dialect): (bool, Dialect),
) -> Result<(), EntryFault> {
    let [flags, method] = [6, 8].map(|at| number::<2>(header, at));
    let [time, crc, packed, bytes] = [10, 14, 18, 22].map(|at| number::<4>(header, at));
    let mut sizes = (bytes, packed);
    let wide = extra::wide(extra, dialect)?;
    let is_wide = sizes == (WIDE, WIDE);
    // `PyTorch` also repeats there where a header is, and sizes that it does not know yet.
    let is_needless = !is_wide && dialect == Dialect::Tensors;
    if let (false, Some(mut wide)) = (is_needless, wide) {
        // Both or none: so it is prescribed for headers before the content.
        let both = (extra::take(&mut wide), extra::take(&mut wide));
        let (Some(bytes), Some(packed)) = both else {
            return Err(EntryFault::Disagreement { field: "size" });
        };
        if !is_wide || !wide.is_empty() {
            return Err(EntryFault::Disagreement { field: "size" });
        }
        sizes = (bytes, packed);
    }
    let unset = late && crc == 0 && sizes == (0, 0);
    let stored = u64::from(!entry.is_stored()) * 8;
    let fields = [
        ("flags", flags == entry.flags),
        ("method", method == stored),
        ("time", time == entry.time),
        ("checksum", unset || crc == u64::from(entry.crc)),
        ("size", unset || sizes == (entry.bytes, entry.packed)),
    ];
    match fields.iter().find(|(_, agree)| !agree) {
        Some((field, _)) => Err(EntryFault::Disagreement { field }),
        None => Ok(()),
    }
}

/// Checks the sizes and the checksum after the content, which are all there is up to what follows.
fn check_descriptor(
    source: &mut (impl Read + Seek),
    entry: &Entry,
    room: u64,
) -> Result<(), EntryFault> {
    let [narrow, wide] = DESCRIPTOR_BYTES;
    if room != narrow && room != wide {
        return Err(EntryFault::Overlap);
    }
    let start = SeekFrom::Start(entry.data_at + entry.packed);
    let mut descriptor = Vec::new();
    source.seek(start).map_err(reading)?;
    let read = source.by_ref().take(room).read_to_end(&mut descriptor);
    read.map_err(reading)?;
    let sizes = if room == wide {
        (number::<8>(&descriptor, 16), number::<8>(&descriptor, 8))
    } else {
        (number::<4>(&descriptor, 12), number::<4>(&descriptor, 8))
    };
    let crc = number::<4>(&descriptor, 4);
    if !descriptor.starts_with(&DESCRIPTOR) || crc != u64::from(entry.crc) {
        return Err(EntryFault::Disagreement { field: "checksum" });
    }
    if sizes != (entry.bytes, entry.packed) {
        return Err(EntryFault::Disagreement { field: "size" });
    }
    Ok(())
}

fn reading(error: io::Error) -> EntryFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => EntryFault::Overlap,
        _ => EntryFault::Read(error),
    }
}
