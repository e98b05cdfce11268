//! The directory of an archive: one record for each entry.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::end::End;
use super::entry::{Entry, Method};
use super::extra;
use super::number::number;
use crate::archive::error::{ArchiveError, EntryFault};
use crate::archive::limits::{Dialect, Limits};

const RECORD: [u8; 4] = *b"PK\x01\x02";
const RECORD_BYTES: usize = 46;
/// The number of four bytes that means one of eight.
const WIDE: u64 = 0xffff_ffff;

pub(super) const FLAG_ENCRYPTED: u64 = 0x0001;
/// How hard the compressor tried.
const FLAGS_EFFORT: u64 = 0x0006;
/// Sizes and checksum come after the data.
pub(super) const FLAG_DESCRIPTOR: u64 = 0x0008;
const FLAG_STRONG_ENCRYPTION: u64 = 0x0040;
/// The name is UTF-8.
const FLAG_UTF8: u64 = 0x0800;
const FLAG_MASKED: u64 = 0x2000;

/// Reads all records. Memory is taken as they arrive.
pub(super) fn read(
    source: &mut (impl Read + Seek),
    end: &End,
    limits: &Limits,
    dialect: Dialect,
) -> Result<Vec<Entry>, ArchiveError> {
    let start = SeekFrom::Start(end.offset);
    source.seek(start).map_err(ArchiveError::Io)?;
    let mut records = BufReader::new(source).take(end.bytes);
    let mut entries = Vec::new();
    let (mut total, mut inflated) = (0_u64, 0_u64);
    for _ in 0..end.entries {
        let (name, record, extra) = split(&mut records)?;
        let refused = |fault| ArchiveError::in_entry(&name, fault);
        let entry = entry(&name, &record, &extra, dialect).map_err(refused)?;
        total = total.saturating_add(entry.bytes);
        if entry.method == Method::Deflated {
            inflated = inflated.saturating_add(entry.bytes);
            check_ratio(&entry, limits.ratio).map_err(refused)?;
        }
        within(total, limits.total_bytes).map_err(refused)?;
        within(inflated, limits.inflated_bytes).map_err(refused)?;
        entries.push(entry);
    }
    match records.fill_buf() {
        Ok([]) => Ok(entries),
        Ok(_) => Err(ArchiveError::structure(
            "its directory has more than its entries",
        )),
        Err(error) => Err(ArchiveError::Io(error)),
    }
}

type Parts = (String, [u8; RECORD_BYTES], Vec<u8>);

/// The next record: its name, its numbers, its extra fields.
fn split(records: &mut impl Read) -> Result<Parts, ArchiveError> {
    let short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            ArchiveError::structure("its directory has less than its entries")
        }
        _ => ArchiveError::Io(error),
    };
    let mut record = [0; RECORD_BYTES];
    records.read_exact(&mut record).map_err(short)?;
    if !record.starts_with(&RECORD) {
        return Err(ArchiveError::structure(
            "its directory has something that is no record",
        ));
    }
    let mut variable = |at| -> Result<Vec<u8>, ArchiveError> {
        let length = usize::try_from(number::<2>(&record, at)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        records.read_exact(&mut bytes).map_err(short)?;
        Ok(bytes)
    };
    let name = variable(28)?;
    let extra = variable(30)?;
    match String::from_utf8(name) {
        Ok(name) => Ok((name, record, extra)),
        Err(error) => {
            let name = String::from_utf8_lossy(error.as_bytes());
            Err(ArchiveError::in_entry(&name, EntryFault::NotText))
        }
    }
}

fn entry(
    name: &str,
    record: &[u8; RECORD_BYTES],
    extra: &[u8],
    dialect: Dialect,
) -> Result<Entry, EntryFault> {
    let header = |what| EntryFault::Header { what };
    let flags = number::<2>(record, 8);
    let method = match number::<2>(record, 10) {
        0 => Method::Stored,
        8 => Method::Deflated,
        method => return Err(EntryFault::Method { method }),
    };
    check_flags(flags, method, dialect)?;
    if !name.is_ascii() && flags & FLAG_UTF8 == 0 {
        return Err(EntryFault::NotText);
    }
    if number::<2>(record, 32) != 0 {
        return Err(header("it has a comment"));
    }
    if number::<2>(record, 34) != 0 {
        return Err(header("it is on another disk"));
    }
    let mut sizes = [24, 20, 42].map(|at| number::<4>(record, at));
    let mut wide = extra::wide(extra, dialect)?.unwrap_or_default();
    for size in sizes.iter_mut().filter(|size| **size == WIDE) {
        let missing = header("it lacks a number that is too large for it");
        *size = extra::take(&mut wide).ok_or(missing)?;
    }
    if !wide.is_empty() {
        return Err(header("it has a number twice"));
    }
    let [bytes, packed, header_at] = sizes;
    if method == Method::Stored && bytes != packed {
        return Err(header("it is stored, but its two sizes differ"));
    }
    let crc = u32::try_from(number::<4>(record, 16)).unwrap_or_default();
    check_kind(record, name.ends_with('/'), packed == 0 && crc == 0)?;
    Ok(Entry {
        name: name.to_owned(),
        bytes,
        packed,
        crc,
        method,
        header_at,
        data_at: 0,
        flags,
        time: number::<4>(record, 12),
    })
}

fn check_flags(flags: u64, method: Method, dialect: Dialect) -> Result<(), EntryFault> {
    if flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED) != 0 {
        return Err(EntryFault::Encrypted);
    }
    let effort = match method {
        Method::Stored => 0,
        Method::Deflated => FLAGS_EFFORT,
    };
    let descriptor = match dialect {
        Dialect::Package => 0,
        Dialect::Tensors => FLAG_DESCRIPTOR,
    };
    match flags & !(FLAG_UTF8 | effort | descriptor) {
        0 => Ok(()),
        _ => Err(EntryFault::Flags { flags }),
    }
}

/// Checks that it is a file, or a folder in every way. Modes count whatever system is said to have made the
/// entry, since not all who extract look at that.
fn check_kind(record: &[u8; RECORD_BYTES], folder: bool, is_empty: bool) -> Result<(), EntryFault> {
    const SET_ID_OR_STICKY: u64 = 0o7000;
    const DOS_FOLDER: u64 = 0x10;
    const DOS_LABEL_OR_DEVICE: u64 = 0x48;
    let mode = number::<2>(record, 40);
    let dos = number::<2>(record, 38);
    let kind = mode & 0o170_000;
    if mode & SET_ID_OR_STICKY != 0 || dos & DOS_LABEL_OR_DEVICE != 0 {
        return Err(EntryFault::NotRegular { mode });
    }
    match (kind, folder) {
        (0 | 0o040_000, true) if is_empty => Ok(()),
        (0 | 0o100_000, false) if dos & DOS_FOLDER == 0 => Ok(()),
        (0 | 0o040_000 | 0o100_000, _) => Err(EntryFault::OddFolder),
        _ => Err(EntryFault::NotRegular { mode }),
    }
}

const fn within(found: u64, limit: u64) -> Result<(), EntryFault> {
    if found > limit {
        return Err(EntryFault::TooLarge { found, limit });
    }
    Ok(())
}

const fn check_ratio(entry: &Entry, limit: u64) -> Result<(), EntryFault> {
    let Entry { bytes, packed, .. } = *entry;
    if bytes > Limits::ANY_RATIO && bytes > packed.saturating_mul(limit) {
        return Err(EntryFault::Ratio {
            packed,
            bytes,
            limit,
        });
    }
    Ok(())
}
