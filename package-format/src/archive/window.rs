//! A seekable view of one file of an archive that is stored as it is, for readers that skip most of it.
//!
//! What it gives is not checked against the archive's checksum: only who reads all can check that.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::positioned::Positioned;

/// The bytes of one file.
#[derive(Debug)]
pub struct Window<'a> {
    source: Positioned<'a>,
    range: Range<u64>,
    at: u64,
}

impl<'a> Window<'a> {
    pub(super) const fn new(source: Positioned<'a>, range: Range<u64>) -> Self {
        Self {
            at: range.start,
            source,
            range,
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        self.source.seek(SeekFrom::Start(self.at))?;
        let count = self.source.read(&mut buffer[..wanted])?;
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let at = match position {
            SeekFrom::Start(at) => self.range.start.checked_add(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.range.end.checked_add_signed(by),
        };
        self.at = at
            .filter(|at| *at >= self.range.start)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at - self.range.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_its_range_and_nothing_beside_it() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"beforeINSIDEafter").unwrap();
        let mut window = Window::new(Positioned::new(&file, 0), 6..12);
        let mut text = String::new();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "INSIDE");
        assert_eq!(window.seek(SeekFrom::End(-4)).unwrap(), 2);
        text.clear();
        window.read_to_string(&mut text).unwrap();
        assert_eq!(text, "SIDE");
        assert_eq!(window.seek(SeekFrom::Start(99)).unwrap(), 99);
        assert_eq!(window.read(&mut [0; 4]).unwrap(), 0);
        assert!(window.seek(SeekFrom::Current(-200)).is_err());
    }
}
