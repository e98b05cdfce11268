//! Where everything in a zip archive is. There must be one reading of its bytes only: from the first to the
//! last, each belongs to one entry, the directory or its end, and what is said twice is said alike. Looks at
//! no content.

mod central;
mod end;
mod entry;
mod extra;
mod local;
mod number;

use std::io::{Read, Seek};

pub use entry::Entry;
pub(super) use entry::Method;
pub(super) use extra::ALIGNMENT;

use super::error::{ArchiveError, EntryFault};
use super::limits::{Dialect, Limits};
use super::name;

/// The parts of an archive.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The entries, in the order they are in. The directory has the same order.
    pub(crate) entries: Vec<Entry>,
    /// Where the directory starts.
    pub(super) directory_at: u64,
    /// The size of all.
    pub(super) size: u64,
}

impl Layout {
    /// Reads the layout of an archive that is all of `source`.
    pub(crate) fn read(
        source: &mut (impl Read + Seek),
        limits: &Limits,
        dialect: Dialect,
    ) -> Result<Self, ArchiveError> {
        let end = end::read(source, limits)?;
        let mut entries = central::read(source, &end, limits, dialect)?;
        match dialect {
            Dialect::Package => {
                for entry in &entries {
                    let path = entry.name.strip_suffix('/').unwrap_or(&entry.name);
                    name::check_name(path, limits)
                        .map_err(|fault| ArchiveError::in_entry(&entry.name, fault))?;
                }
                name::check_together(entries.iter().map(|entry| entry.name.as_str()))?;
            }
            Dialect::Tensors => check_duplicates(&entries)?,
        }
        local::check_all(source, &mut entries, end.offset, dialect)?;
        Ok(Self {
            entries,
            directory_at: end.offset,
            size: end.size,
        })
    }
}

/// Labels may be anything, but not the same.
fn check_duplicates(entries: &[Entry]) -> Result<(), ArchiveError> {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => {
            let name = pair.first().copied().unwrap_or_default();
            Err(ArchiveError::in_entry(name, EntryFault::Duplicate))
        }
        None => Ok(()),
    }
}
