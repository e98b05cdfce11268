//! A file that takes its place only when it is complete.
//!
//! It is written beside its place, under a name that is always the same, and locked meanwhile. Whoever is
//! killed leaves at most that one file, unlocked, and the next to write there uses it again; nobody needs to
//! guess by a clock whether it is still in use.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::ArchiveError;

/// The file, and where it is going.
#[derive(Debug)]
pub(crate) struct Partial {
    folder: OwnedFd,
    path: PathBuf,
    name: OsString,
    temporary: OsString,
    committed: bool,
}

impl Partial {
    /// Begins a file that will be at this path. Whoever may read it is up to the user's mask.
    pub(crate) fn create(path: &Path) -> Result<(Self, File), ArchiveError> {
        let place = || ArchiveError::Place {
            path: path.to_owned(),
        };
        let name = path.file_name().ok_or_else(place)?.to_owned();
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let failed = |errno: Errno| write_error(path, errno.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(CWD, parent, flags, Mode::empty()).map_err(failed)?;
        let mut temporary = OsString::from(".");
        temporary.push(&name);
        temporary.push(".partial");
        loop {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // A pipe under that name must not hold us up.
            let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
            let mode = Mode::from(0o666);
            let opened = rustix::fs::openat(&folder, &temporary, flags, mode);
            let file = match opened {
                Ok(file) => file,
                Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => return Err(place()),
                Err(errno) => return Err(failed(errno)),
            };
            let stat = rustix::fs::fstat(&file).map_err(failed)?;
            if !is_ours(&stat) {
                return Err(place());
            }
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    return Err(ArchiveError::Busy {
                        path: path.to_owned(),
                    });
                }
                Err(errno) => return Err(failed(errno)),
            }
            // Whoever held the lock may have put the file in its place in the meantime.
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            match rustix::fs::statat(&folder, &temporary, flags) {
                Ok(found) if is_same(&found, &stat) => {}
                Ok(_) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            let file = File::from(file);
            let path = path.to_owned();
            let partial = Self {
                folder,
                path,
                name,
                temporary,
                committed: false,
            };
            file.set_len(0).map_err(|error| partial.failed(error))?;
            return Ok((partial, file));
        }
    }

    /// Puts the file in its place, whatever is there.
    pub(crate) fn commit(mut self, file: &File) -> Result<(), ArchiveError> {
        file.sync_all().map_err(|error| self.failed(error))?;
        let renamed = rustix::fs::renameat(&self.folder, &self.temporary, &self.folder, &self.name);
        renamed.map_err(|errno| self.failed(errno.into()))?;
        self.committed = true;
        let synced = rustix::fs::fsync(&self.folder);
        synced.map_err(|errno| self.failed(errno.into()))
    }

    /// The error of writing the file.
    pub(crate) fn failed(&self, error: io::Error) -> ArchiveError {
        write_error(&self.path, error)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.committed {
            // The lock is still held, so it is ours. There is no one left to tell if it cannot be removed.
            let _removed = rustix::fs::unlinkat(&self.folder, &self.temporary, AtFlags::empty());
        }
    }
}

fn write_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Write {
        path: path.to_owned(),
        source,
    }
}

/// Whether it is a plain file that this user made and that has no other name.
fn is_ours(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_nlink <= 1
}

const fn is_same(a: &Stat, b: &Stat) -> bool {
    a.st_dev == b.st_dev && a.st_ino == b.st_ino
}
