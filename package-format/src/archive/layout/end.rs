//! The very end of an archive, which says where its directory is and how large. Read before the directory
//! is, so that nothing is reserved by what it claims. Comments are refused: an end could hide in one.

use std::io::{Read, Seek, SeekFrom};

use super::number::{number, read_at};
use crate::archive::error::ArchiveError;
use crate::archive::limits::Limits;

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_64_BYTES: usize = 20;
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_64_BYTES: usize = 56;
/// What a wide end says its own size is: all that follows the number.
const END_64_REST: u64 = 44;
/// An entry without its name.
const SMALLEST_ENTRY: u64 = 46;

/// What an archive says of its directory, which was found to be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) offset: u64,
    /// The size of the archive.
    pub(super) size: u64,
}

/// Checks that the directory is of a sane size and lies right before the end of the file.
pub(super) fn read(source: &mut (impl Read + Seek), limits: &Limits) -> Result<End, ArchiveError> {
    let size = source.seek(SeekFrom::End(0)).map_err(ArchiveError::Io)?;
    let end_at = size.checked_sub(END_BYTES as u64);
    let end_at = end_at.ok_or(ArchiveError::NotZip)?;
    let end: [u8; END_BYTES] = read_at(source, end_at).map_err(ArchiveError::outside)?;
    if !end.starts_with(&END) || number::<2>(&end, 20) != 0 {
        return Err(structure("its directory does not end where the file ends"));
    }
    if number::<2>(&end, 4) != 0 || number::<2>(&end, 6) != 0 {
        return Err(structure("it has several disks"));
    }
    if number::<2>(&end, 8) != number::<2>(&end, 10) {
        return Err(structure("it has two numbers of entries"));
    }
    let short = End {
        entries: number::<2>(&end, 10),
        bytes: number::<4>(&end, 12),
        offset: number::<4>(&end, 16),
        size,
    };
    let (end, directory_end) = match wide(source, end_at, size)? {
        None => (short, end_at),
        Some((wide, wide_at)) => {
            let agrees = |short, wide, unknown| short == unknown || short == wide;
            if !agrees(short.entries, wide.entries, 0xffff)
                || !agrees(short.bytes, wide.bytes, 0xffff_ffff)
                || !agrees(short.offset, wide.offset, 0xffff_ffff)
            {
                return Err(structure("its two ends contradict each other"));
            }
            (wide, wide_at)
        }
    };
    within("entries", end.entries, limits.entries)?;
    within("bytes of directory", end.bytes, limits.directory_bytes)?;
    if end.entries.saturating_mul(SMALLEST_ENTRY) > end.bytes {
        return Err(structure("its directory is too small for its entries"));
    }
    if end.offset.checked_add(end.bytes) != Some(directory_end) {
        return Err(structure(
            "its directory does not reach from its start to its end",
        ));
    }
    Ok(end)
}

/// The end that large archives have besides the short one, and where it starts.
fn wide(
    source: &mut (impl Read + Seek),
    end_at: u64,
    size: u64,
) -> Result<Option<(End, u64)>, ArchiveError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_64_BYTES as u64) else {
        return Ok(None);
    };
    let locator: [u8; LOCATOR_64_BYTES] =
        read_at(source, locator_at).map_err(ArchiveError::outside)?;
    if !locator.starts_with(&LOCATOR_64) {
        return Ok(None);
    }
    if number::<4>(&locator, 4) != 0 || number::<4>(&locator, 16) != 1 {
        return Err(structure("it has several disks"));
    }
    let misplaced = || structure("its wide end is not where it should be");
    let wide_at = number::<8>(&locator, 8);
    if wide_at.checked_add(END_64_BYTES as u64) != Some(locator_at) {
        return Err(misplaced());
    }
    let wide: [u8; END_64_BYTES] = read_at(source, wide_at).map_err(ArchiveError::outside)?;
    if !wide.starts_with(&END_64) || number::<8>(&wide, 4) != END_64_REST {
        return Err(misplaced());
    }
    if number::<4>(&wide, 16) != 0 || number::<4>(&wide, 20) != 0 {
        return Err(structure("it has several disks"));
    }
    if number::<8>(&wide, 24) != number::<8>(&wide, 32) {
        return Err(structure("it has two numbers of entries"));
    }
    let end = End {
        entries: number::<8>(&wide, 32),
        bytes: number::<8>(&wide, 40),
        offset: number::<8>(&wide, 48),
        size,
    };
    Ok(Some((end, wide_at)))
}

const fn within(unit: &'static str, found: u64, limit: u64) -> Result<(), ArchiveError> {
    if found > limit {
        return Err(ArchiveError::TooLarge { unit, found, limit });
    }
    Ok(())
}

const fn structure(what: &'static str) -> ArchiveError {
    ArchiveError::structure(what)
}
