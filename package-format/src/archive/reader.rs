//! An open archive: its entries, their contents, and whether they are what they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

use super::canonical;
use super::content::Content;
use super::error::{ArchiveError, EntryFault};
use super::layout::{Entry, Layout};
use super::limits::{Dialect, Limits};
use super::positioned::Positioned;
use super::window::Window;
use crate::{Digest, Hasher, file};

/// How much is read at once: enough for the disk, and little enough to stay in the processor's cache while
/// it is checked.
const PIECE: usize = 1 << 18;
/// How much memory a size that no byte has confirmed yet may take.
const UNCONFIRMED: u64 = 1 << 20;

/// An archive whose structure was found to be sound. Contents are checked as they are read. Threads may
/// share it.
#[derive(Debug)]
pub struct Archive {
    file: File,
    layout: Layout,
    /// Positions of files, sorted by name.
    by_name: Vec<usize>,
}

/// A reader of one entry. It fails when the content is not what the archive, or the caller, says. The last
/// bytes are given out only when all agrees.
#[derive(Debug)]
pub struct EntryReader<'a>(Content<'a, Positioned<'a>>);

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Archive {
    /// Opens the archive at this path.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, ArchiveError> {
        let (file, _) = file::open(path)?;
        Self::from_file(file, limits)
    }

    /// Takes an archive that is open already. Its position does not matter.
    pub fn from_file(file: File, limits: &Limits) -> Result<Self, ArchiveError> {
        let mut start = Positioned::new(&file, 0);
        let layout = Layout::read(&mut start, limits, Dialect::Package)?;
        let files = layout.entries.iter().enumerate();
        let files = files.filter(|(_, entry)| !entry.is_folder());
        let mut by_name: Vec<usize> = files.map(|(position, _)| position).collect();
        by_name.sort_unstable_by_key(|position| name_at(&layout, *position));
        Ok(Self {
            file,
            layout,
            by_name,
        })
    }

    /// The files in it, in its order. Entries that are folders say nothing, and are left out.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.layout.entries.iter();
        entries.filter(|entry| !entry.is_folder())
    }

    /// The file of this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        let find = |position: &usize| name_at(&self.layout, *position).cmp(name);
        let found = self.by_name.binary_search_by(find).ok()?;
        self.layout.entries.get(*self.by_name.get(found)?)
    }

    /// Begins to read a file. Its size and checksum are always checked, its digest when it is given.
    pub fn read_entry(
        &self,
        name: &str,
        expected: Option<&Digest>,
    ) -> Result<EntryReader<'_>, ArchiveError> {
        let entry = self.entry(name);
        let entry = entry.ok_or_else(|| ArchiveError::in_entry(name, EntryFault::Missing))?;
        Ok(self.read(entry, expected))
    }

    fn read<'a>(&'a self, entry: &'a Entry, expected: Option<&Digest>) -> EntryReader<'a> {
        let source = Positioned::new(&self.file, entry.data_at);
        EntryReader(Content::new(source, entry, expected.copied()))
    }

    /// Reads all of a file that may have up to `limit` bytes.
    pub fn read_to_vec(
        &self,
        name: &str,
        expected: Option<&Digest>,
        limit: u64,
    ) -> Result<Vec<u8>, ArchiveError> {
        let mut reader = self.read_entry(name, expected)?;
        let found = self.entry(name).map_or(0, Entry::bytes);
        if found > limit {
            let fault = EntryFault::TooLarge { found, limit };
            return Err(ArchiveError::in_entry(name, fault));
        }
        // The bytes of a stored file are there; those of a deflated one are only claimed.
        let certain = self.entry(name).is_some_and(Entry::is_stored);
        let reserved = if certain {
            found
        } else {
            found.min(UNCONFIRMED)
        };
        let unread = |error| ArchiveError::of_reading(name, error);
        let no_memory = || unread(io::ErrorKind::OutOfMemory.into());
        let reserved = usize::try_from(reserved).map_err(|_| no_memory())?;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(reserved);
        room.map_err(|_| no_memory())?;
        loop {
            // Zeros are put in pieces before what is read, while they are in the processor's cache.
            let start = bytes.len();
            let left = usize::try_from(found).unwrap_or(usize::MAX) - start;
            bytes.resize(start + left.min(PIECE), 0);
            match reader.read(&mut bytes[start..]) {
                Ok(0) => {
                    bytes.truncate(start);
                    return Ok(bytes);
                }
                Ok(count) => bytes.truncate(start + count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => bytes.truncate(start),
                Err(error) => return Err(unread(error)),
            }
        }
    }

    /// Copies a file to `target`. `seen` is told the bytes copied so far.
    pub fn copy_entry(
        &self,
        name: &str,
        expected: Option<&Digest>,
        target: &mut dyn Write,
        seen: &mut dyn FnMut(u64),
    ) -> Result<(), ArchiveError> {
        let mut reader = self.read_entry(name, expected)?;
        let mut total = 0;
        pieces(&mut reader, name, |piece| {
            target.write_all(piece).map_err(ArchiveError::Target)?;
            total += piece.len() as u64;
            seen(total);
            Ok(())
        })
    }

    /// Where the content of a file that is stored as it is lies in the archive, so that it can be mapped.
    /// What lies there is not checked by this.
    pub fn stored_range(&self, name: &str) -> Option<Range<u64>> {
        let entry = self.entry(name).filter(|entry| entry.is_stored())?;
        Some(entry.data_at..entry.data_at + entry.packed)
    }

    /// A view of a file that is stored as it is, for readers that skip most of it. Its content is not checked.
    pub fn window(&self, name: &str) -> Option<Window<'_>> {
        let range = self.stored_range(name)?;
        Some(Window::new(Positioned::new(&self.file, range.start), range))
    }

    /// Checks that the archive has these files, of these sizes and digests, and no others. The first file
    /// that is at fault is named: files that should not be there, then missing ones, then those whose
    /// content is not right, in the archive's order. `seen` is told the bytes checked so far.
    pub fn verify_all(
        &self,
        expected: &BTreeMap<String, (u64, Digest)>,
        seen: &mut dyn FnMut(u64),
    ) -> Result<(), ArchiveError> {
        let names: BTreeSet<&str> = self.entries().map(Entry::name).collect();
        if let Some(name) = names.iter().find(|name| !expected.contains_key(**name)) {
            return Err(ArchiveError::in_entry(name, EntryFault::Unexpected));
        }
        if let Some(name) = expected.keys().find(|name| !names.contains(name.as_str())) {
            return Err(ArchiveError::in_entry(name, EntryFault::Missing));
        }
        let mut total = 0;
        for entry in self.entries() {
            let Some((bytes, digest)) = expected.get(&entry.name) else {
                continue;
            };
            if *bytes != entry.bytes {
                let fault = EntryFault::Size {
                    expected: *bytes,
                    found: entry.bytes,
                };
                return Err(ArchiveError::in_entry(&entry.name, fault));
            }
            pieces(&mut self.read(entry, Some(digest)), &entry.name, |piece| {
                total += piece.len() as u64;
                seen(total);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The sizes and digests of all files, for archives that do not come with them. Each is read once.
    pub fn digests(
        &self,
        seen: &mut dyn FnMut(u64),
    ) -> Result<BTreeMap<String, (u64, Digest)>, ArchiveError> {
        let mut total = 0;
        let mut digests = BTreeMap::new();
        for entry in self.entries() {
            let mut hasher = Hasher::default();
            pieces(&mut self.read(entry, None), &entry.name, |piece| {
                hasher.update(piece);
                total += piece.len() as u64;
                seen(total);
                Ok(())
            })?;
            digests.insert(entry.name.clone(), (entry.bytes, hasher.finish()));
        }
        Ok(digests)
    }

    /// Checks that every byte around the contents is what [`super::ArchiveWriter`] writes for the same
    /// files. With that, and the contents checked, there is no byte of an archive of ours that could change
    /// unseen. Archives of others fail it.
    pub fn check_canonical(&self) -> Result<(), ArchiveError> {
        canonical::check(&mut Positioned::new(&self.file, 0), &self.layout)
    }
}

fn name_at(layout: &Layout, position: usize) -> &str {
    layout.entries.get(position).map_or("", |entry| &entry.name)
}

/// Hands out the content in pieces.
fn pieces(
    reader: &mut EntryReader<'_>,
    name: &str,
    mut each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => each(&piece[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ArchiveError::of_reading(name, error)),
        }
    }
}
