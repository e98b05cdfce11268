//! The bytes around contents, exactly as they are written: the same for the same entries, always.
//!
//! Everything is stored. Times are the first day of 1980, modes are 0644 on Unix, flags are none but the
//! one for names beyond ASCII, and numbers of eight bytes are used where four are not enough, and only
//! there. Contents begin at multiples of 64 bytes where that is asked for, by a field of padding.

/// What is known of an entry once it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: u64,
    pub(super) crc: u32,
    pub(super) header_at: u64,
}

/// Where contents begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alignment {
    /// Anywhere.
    None,
    /// At multiples of 64 bytes, so that a content can be mapped into memory and used there.
    Of64,
}

const BOUNDARY: u64 = 64;
/// Where checksum and sizes are in a header.
pub(super) const CRC_AT: u64 = 14;
const HEADER_BYTES: u64 = 30;
/// The field of padding without any.
const PADDING_BYTES: u64 = 6;

const WIDE_16: u64 = 0xffff;
const WIDE_32: u64 = 0xffff_ffff;
/// The version that is needed to read numbers of eight bytes, and any other entry.
const VERSION_WIDE: u16 = 45;
const VERSION: u16 = 20;
const MADE_ON_UNIX: u16 = 3 << 8;
const FLAG_UTF8: u16 = 0x0800;
/// 1980-01-01 00:00:00.
const TIME: u32 = 0x0021_0000;
const MODE: u32 = 0o100_644 << 16;
const EXTRA_WIDE: u16 = 1;

impl Record<'_> {
    /// The header before the content.
    pub(super) fn header(&self, alignment: Alignment) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.bytes >= WIDE_32 {
            put_16(&mut extra, EXTRA_WIDE);
            put_16(&mut extra, 16);
            extra.extend(self.bytes.to_le_bytes());
            extra.extend(self.bytes.to_le_bytes());
        }
        if alignment == Alignment::Of64 {
            let end = self.header_at + HEADER_BYTES + self.name.len() as u64 + extra.len() as u64;
            if !end.is_multiple_of(BOUNDARY) {
                let padding = BOUNDARY - (end + PADDING_BYTES) % BOUNDARY;
                let padding = padding % BOUNDARY;
                put_16(&mut extra, narrow_16(super::layout::ALIGNMENT));
                put_16(&mut extra, narrow_16(padding + 2));
                put_16(&mut extra, narrow_16(BOUNDARY));
                extra.extend((0..padding).map(|_| 0));
            }
        }
        let mut header = b"PK\x03\x04".to_vec();
        self.put_shared(&mut header);
        put_16(&mut header, narrow_16(extra.len() as u64));
        header.extend(self.name.as_bytes());
        header.extend(extra);
        header
    }

    /// The record in the directory.
    pub(super) fn put_in_directory(&self, directory: &mut Vec<u8>) {
        let mut extra = Vec::new();
        let wide = [self.bytes, self.bytes, self.header_at];
        for number in wide.into_iter().filter(|number| *number >= WIDE_32) {
            extra.extend(number.to_le_bytes());
        }
        directory.extend(b"PK\x01\x02");
        put_16(directory, MADE_ON_UNIX | self.version());
        self.put_shared(directory);
        if extra.is_empty() {
            put_16(directory, 0);
        } else {
            put_16(directory, narrow_16(extra.len() as u64 + 4));
        }
        // No comment, the first disk, no internal attributes.
        directory.extend([0; 6]);
        directory.extend(MODE.to_le_bytes());
        directory.extend(narrow_32(self.header_at).to_le_bytes());
        directory.extend(self.name.as_bytes());
        if !extra.is_empty() {
            put_16(directory, EXTRA_WIDE);
            put_16(directory, narrow_16(extra.len() as u64));
            directory.extend(extra);
        }
    }

    /// What is the same in both: from the version to the length of the name.
    fn put_shared(&self, target: &mut Vec<u8>) {
        let flags = if self.name.is_ascii() { 0 } else { FLAG_UTF8 };
        put_16(target, self.version());
        put_16(target, flags);
        // Stored.
        put_16(target, 0);
        target.extend(TIME.to_le_bytes());
        target.extend(self.crc.to_le_bytes());
        target.extend(narrow_32(self.bytes).to_le_bytes());
        target.extend(narrow_32(self.bytes).to_le_bytes());
        put_16(target, narrow_16(self.name.len() as u64));
    }

    const fn version(&self) -> u16 {
        if self.bytes >= WIDE_32 || self.header_at >= WIDE_32 {
            VERSION_WIDE
        } else {
            VERSION
        }
    }
}

/// The end after a directory of so many entries and bytes at this offset.
pub(super) fn end(entries: u64, bytes: u64, offset: u64) -> Vec<u8> {
    let mut end = Vec::new();
    if entries >= WIDE_16 || bytes >= WIDE_32 || offset >= WIDE_32 {
        end.extend(b"PK\x06\x06");
        end.extend(44_u64.to_le_bytes());
        put_16(&mut end, MADE_ON_UNIX | VERSION_WIDE);
        put_16(&mut end, VERSION_WIDE);
        end.extend([0; 8]);
        for number in [entries, entries, bytes, offset] {
            end.extend(number.to_le_bytes());
        }
        end.extend(b"PK\x06\x07");
        end.extend([0; 4]);
        end.extend((offset + bytes).to_le_bytes());
        end.extend(1_u32.to_le_bytes());
    }
    end.extend(b"PK\x05\x06");
    end.extend([0; 4]);
    put_16(&mut end, narrow_16(entries));
    put_16(&mut end, narrow_16(entries));
    end.extend(narrow_32(bytes).to_le_bytes());
    end.extend(narrow_32(offset).to_le_bytes());
    // No comment.
    put_16(&mut end, 0);
    end
}

fn put_16(target: &mut Vec<u8>, number: u16) {
    target.extend(number.to_le_bytes());
}

/// The number, or the one that says that it is elsewhere.
fn narrow_16(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn narrow_32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
