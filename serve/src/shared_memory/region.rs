//! A region: a part of an object under a name; and a span of it, which one tensor takes.
//!
//! Spans hold on to what they are part of, so a region may be unregistered, and its object removed, while requests
//! still use it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::{Errno, retry_on_intr};

use super::error::RegionError;
use super::object::size;

/// A part of an object, under a name.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: Box<str>,
    pub(crate) key: Box<str>,
    pub(crate) offset: u64,
    pub(crate) byte_size: u64,
    pub(super) file: OwnedFd,
}

/// A part of a region.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    region: Arc<Region>,
    /// Where it begins in the object.
    at: u64,
    length: usize,
}

impl Span {
    /// So many bytes of the region, from so many after its begin.
    pub(super) fn of(region: Arc<Region>, offset: u64, length: u64) -> Result<Self, RegionError> {
        let name = || region.name.clone();
        if offset > region.byte_size {
            return Err(RegionError::Offset { name: name() });
        }
        let end = offset.checked_add(length);
        let is_within = end.is_some_and(|end| end <= region.byte_size);
        let length = usize::try_from(length).ok().filter(|_| is_within);
        let length = length.ok_or_else(|| RegionError::End { name: name() })?;
        Ok(Self {
            at: region.offset.saturating_add(offset),
            region,
            length,
        })
    }

    /// How many bytes it has.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// A copy of its bytes.
    pub(super) fn read(&self) -> Result<Bytes, RegionError> {
        let mut bytes = Vec::with_capacity(self.length);
        while bytes.len() < self.length {
            let at = self.at.saturating_add(bytes.len() as u64);
            let read = retry_on_intr(|| {
                let spare = rustix::buffer::spare_capacity(&mut bytes);
                rustix::io::pread(&self.region.file, spare, at)
            });
            if read.map_err(|errno| self.failed("read", errno))? == 0 {
                return Err(self.shrunk());
            }
        }
        // There may have been room for more than was asked for.
        bytes.truncate(self.length);
        Ok(bytes.into())
    }

    /// Writes these bytes to its begin. There must not be more than it has.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), RegionError> {
        // Writing behind its end would make the object larger again, which its owner did not ask for.
        let stat = rustix::fs::fstat(&self.region.file);
        let stat = stat.map_err(|errno| self.failed("measure", errno))?;
        if self.at.saturating_add(bytes.len() as u64) > size(&stat) {
            return Err(self.shrunk());
        }
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let at = self.at.saturating_add(written as u64);
            let step = retry_on_intr(|| rustix::io::pwrite(&self.region.file, rest, at));
            match step.map_err(|errno| self.failed("write", errno))? {
                0 => return Err(self.failed("write", Errno::NOSPC)),
                more => written += more,
            }
        }
        Ok(())
    }

    fn shrunk(&self) -> RegionError {
        RegionError::Shrunk {
            name: self.region.name.clone(),
        }
    }

    fn failed(&self, step: &'static str, errno: Errno) -> RegionError {
        RegionError::System {
            step,
            name: self.region.name.clone(),
            errno,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_lie_within_their_region() {
        let region = Arc::new(Region {
            name: "r".into(),
            key: "/k".into(),
            offset: 4096,
            byte_size: 100,
            file: std::fs::File::open("/dev/null").unwrap().into(),
        });
        let name: Box<str> = "r".into();
        let end = || Err(RegionError::End { name: name.clone() });
        let check = |offset, length, expected| {
            let span = Span::of(Arc::clone(&region), offset, length);
            let span = span.map(|span| (span.at, span.length));
            assert_eq!(span, expected, "{offset}, {length}");
        };
        check(0, 100, Ok((4096, 100)));
        check(100, 0, Ok((4196, 0)));
        check(40, 60, Ok((4136, 60)));
        check(40, 61, end());
        check(0, 101, end());
        check(1, u64::MAX, end());
        check(1, 1 << 63, end());
        for offset in [101, 1 << 63, u64::MAX] {
            let name = name.clone();
            check(offset, 1, Err(RegionError::Offset { name }));
        }
    }
}
