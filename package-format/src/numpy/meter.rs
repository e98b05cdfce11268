//! A reader that stops after so many bytes: it bounds the work of listing an archive's entries, whose
//! number an archive only claims.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// A reader with an allowance.
pub(super) struct Metered<R> {
    inner: R,
    allowance: Allowance,
}

/// How many bytes a [`Metered`] reader may still read; shared with whoever sets it.
#[derive(Clone)]
pub(super) struct Allowance(Rc<Cell<Option<u64>>>);

impl Allowance {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Rc::new(Cell::new(Some(bytes))))
    }

    /// Lets the reader read on without counting.
    pub(super) fn lift(&self) {
        self.0.set(None);
    }

    /// Whether the reader was stopped, or would be now.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == Some(0)
    }
}

impl<R> Metered<R> {
    pub(super) const fn new(inner: R, allowance: Allowance) -> Self {
        Self { inner, allowance }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.allowance.0.get() else {
            return self.inner.read(buffer);
        };
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::QuotaExceeded));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        let count = self.inner.read(&mut buffer[..most])?;
        let count_read = u64::try_from(count).unwrap_or(u64::MAX);
        self.allowance.0.set(Some(left.saturating_sub(count_read)));
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}
