//! The very end of a zip archive, which says where its directory is and how large. Looked at before the
//! directory is read, so that nothing is reserved by what it claims, and strictly: one reading only.

use std::io::{self, Read, Seek, SeekFrom};

use super::archive::ArchiveLimits;
use super::error::TorchScriptError;

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_64_BYTES: usize = 20;
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_64_BYTES: usize = 56;
/// An entry without its name.
const SMALLEST_ENTRY: u64 = 46;

/// What an archive says of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Directory {
    entries: u64,
    bytes: u64,
    offset: u64,
}

/// Checks that the directory is of a sane size and lies right before the end of the file.
pub(super) fn check(
    source: &mut (impl Read + Seek),
    limits: &ArchiveLimits,
) -> Result<(), TorchScriptError> {
    let size = source
        .seek(SeekFrom::End(0))
        .map_err(TorchScriptError::Io)?;
    let end_at = size.checked_sub(END_BYTES as u64);
    let end_at = end_at.ok_or(TorchScriptError::NotZip)?;
    let end: [u8; END_BYTES] = read_at(source, end_at)?;
    if !end.starts_with(&END) {
        return Err(inconsistent("it does not end where the file ends"));
    }
    let short = Directory {
        entries: number::<2>(&end, 10),
        bytes: number::<4>(&end, 12),
        offset: number::<4>(&end, 16),
    };
    let (directory, directory_end) = match wide_directory(source, end_at)? {
        None => (short, end_at),
        Some((wide, wide_at)) => {
            let agrees = |short, wide, unknown| short == unknown || short == wide;
            if !agrees(short.entries, wide.entries, 0xffff)
                || !agrees(short.bytes, wide.bytes, 0xffff_ffff)
                || !agrees(short.offset, wide.offset, 0xffff_ffff)
            {
                return Err(inconsistent("its two ends contradict each other"));
            }
            (wide, wide_at)
        }
    };
    within("entries", directory.entries, limits.entries)?;
    within("bytes", directory.bytes, limits.directory_bytes)?;
    if directory.entries * SMALLEST_ENTRY > directory.bytes {
        return Err(inconsistent("it is too small for its entries"));
    }
    if directory.offset.checked_add(directory.bytes) != Some(directory_end) {
        return Err(inconsistent("it does not reach from its start to its end"));
    }
    Ok(())
}

/// The end that large archives have besides the short one, and where it starts.
fn wide_directory(
    source: &mut (impl Read + Seek),
    end_at: u64,
) -> Result<Option<(Directory, u64)>, TorchScriptError> {
    let Some(locator_at) = end_at.checked_sub(LOCATOR_64_BYTES as u64) else {
        return Ok(None);
    };
    let locator: [u8; LOCATOR_64_BYTES] = read_at(source, locator_at)?;
    if !locator.starts_with(&LOCATOR_64) {
        return Ok(None);
    }
    let wide_at = number::<8>(&locator, 8);
    if wide_at.checked_add(END_64_BYTES as u64) != Some(locator_at) {
        return Err(inconsistent("its wide end is not where it should be"));
    }
    let wide: [u8; END_64_BYTES] = read_at(source, wide_at)?;
    if !wide.starts_with(&END_64) {
        return Err(inconsistent("its wide end is not where it should be"));
    }
    let directory = Directory {
        entries: number::<8>(&wide, 32),
        bytes: number::<8>(&wide, 40),
        offset: number::<8>(&wide, 48),
    };
    Ok(Some((directory, wide_at)))
}

const fn inconsistent(what: &'static str) -> TorchScriptError {
    TorchScriptError::Inconsistent { what }
}

const fn within(unit: &'static str, found: u64, limit: u64) -> Result<(), TorchScriptError> {
    if found > limit {
        return Err(TorchScriptError::TooLarge { unit, found, limit });
    }
    Ok(())
}

fn read_at<const N: usize>(
    source: &mut (impl Read + Seek),
    offset: u64,
) -> Result<[u8; N], TorchScriptError> {
    let mut bytes = [0; N];
    let read = source
        .seek(SeekFrom::Start(offset))
        .and_then(|_| source.read_exact(&mut bytes));
    match read {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(inconsistent("the file became shorter while it was read"))
        }
        Err(error) => Err(TorchScriptError::Io(error)),
    }
}

/// The little-endian number of `N` bytes at a place.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let digits = bytes.iter().skip(at).take(N).rev();
    digits.fold(0, |number, &byte| number << 8 | u64::from(byte))
}
