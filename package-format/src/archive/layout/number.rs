//! Numbers as archives have them, and pieces of an archive read from where they are.

use std::io::{self, Read, Seek, SeekFrom};

/// The little-endian number of `N` bytes at a place; missing bytes count as zero.
pub(super) fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    let digits = bytes.iter().skip(at).take(N).rev();
    digits.fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The bytes at a place.
pub(super) fn read_at<const N: usize>(
    source: &mut (impl Read + Seek),
    offset: u64,
) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.seek(SeekFrom::Start(offset))?;
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}
