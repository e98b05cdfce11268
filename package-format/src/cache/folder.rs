//! One folder of the cache: filling it, and finding out whether what is in it is right.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::error::CacheError;
use super::key::CachedFile;
use crate::archive::{ArchiveError, ExtractFolder};
use crate::{Digest, Hasher};

/// Writes the content of a file to where it is asked to.
pub type Contents<'a> = dyn FnMut(&CachedFile, &mut dyn Write) -> Result<(), ArchiveError> + 'a;

/// What tells that a file is the one that was looked at, and was not touched since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Opens a folder in the cache. Links are not followed.
pub(super) fn open(cache: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(cache, name, flags, Mode::empty())
}

/// Opens the files that are there already, as far as they are plain ones of the right sizes; none if any is
/// not.
pub(super) fn find(folder: &ExtractFolder, files: &[CachedFile]) -> Option<Vec<(File, Stamp)>> {
    let found = files.iter().map(|file| {
        let opened = folder.read(&file.name).ok()?;
        let found = opened.metadata().ok()?;
        let stamp = Stamp {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        // Another name of a file would be a way to change it from elsewhere.
        let right = found.is_file() && found.size() == file.bytes && found.nlink() == 1;
        right.then_some((opened, stamp))
    });
    found.collect()
}

/// Whether the content of an open file is the right one.
pub(super) fn is_right(file: &File, digest: &Digest) -> io::Result<bool> {
    Ok(Digest::of_reader(file, |_| {})? == *digest)
}

/// Writes a file that is not there. It is left where it is if it is not right: the folder is not used then.
pub(super) fn fill(
    folder: &ExtractFolder,
    file: &CachedFile,
    contents: &mut Contents<'_>,
) -> Result<(), CacheError> {
    let failed = |source| CacheError::Fill {
        name: file.name.clone(),
        source,
    };
    let created = folder.create(&file.name).map_err(ArchiveError::Target);
    let mut hashing = Hashing {
        file: created.map_err(failed)?,
        left: file.bytes,
        is_over: false,
        hasher: Hasher::default(),
    };
    let given = contents(file, &mut hashing);
    if hashing.is_over {
        return Err(CacheError::TooMuch {
            name: file.name.clone(),
            bytes: file.bytes,
        });
    }
    given.map_err(failed)?;
    let found_bytes = file.bytes - hashing.left;
    let found = hashing.hasher.finish();
    if hashing.left != 0 || found != file.digest {
        return Err(CacheError::Content {
            name: file.name.clone(),
            bytes: file.bytes,
            digest: file.digest,
            found_bytes,
            found,
        });
    }
    Ok(())
}

/// A file that is hashed as it is written, and takes no more than it should.
struct Hashing {
    file: File,
    left: u64,
    is_over: bool,
    hasher: Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            self.is_over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.left -= count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
