//! Limits: how much a file may ask of the machine that reads it.

/// How much reading one file may take. What is over a limit is refused before memory is taken for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all arrays of a file may take together once read. Strings count with the longest
    /// length their type allows and their length prefix. Converting one array (strings, Fortran
    /// order) needs its size a second time while it lasts.
    pub total_bytes: u64,
    /// Entries that an archive may have, folders included.
    pub entries: usize,
    /// Bytes that the header of one array may take.
    pub header_bytes: usize,
}

impl Default for Limits {
    /// Room for samples of any real model: 4 GiB, 4096 arrays, and the longest header that the first
    /// version of the format can state. The header of an array that can be read here is far shorter.
    fn default() -> Self {
        Self {
            total_bytes: 4 << 30,
            entries: 4096,
            header_bytes: 65_535,
        }
    }
}

/// What is left of [`Limits::total_bytes`] while a file is read.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    left: u64,
}

/// An array takes more than is left.
#[derive(Debug)]
pub(super) struct OverBudget {
    pub(super) limit: u64,
}

impl Budget {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.total_bytes,
            left: limits.total_bytes,
        }
    }

    /// Takes `bytes` out of what is left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let left = u64::try_from(bytes)
            .ok()
            .and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or(OverBudget { limit: self.limit })?;
        Ok(())
    }
}
