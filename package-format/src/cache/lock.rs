//! One process at a time for each name: a file that is locked, and removed by whoever had it.
//!
//! The system lets go of the lock of a process that is killed. A file is locked and not a folder, because
//! network file systems lock only what is open for writing.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

/// The lock of a name, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock<'a> {
    folder: &'a OwnedFd,
    name: String,
    /// Holds the lock.
    _file: OwnedFd,
}

impl<'a> Lock<'a> {
    /// Takes the lock, and waits for whoever has it.
    pub(super) fn take(folder: &'a OwnedFd, name: &str) -> Result<Self, Errno> {
        loop {
            match Self::attempt(folder, name, FlockOperation::LockExclusive) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Takes the lock if nobody has it.
    pub(super) fn take_free(folder: &'a OwnedFd, name: &str) -> Result<Option<Self>, Errno> {
        match Self::attempt(folder, name, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            taken => taken,
        }
    }

    /// Nothing if whoever had the lock has removed the file since it was opened.
    fn attempt(
        folder: &'a OwnedFd,
        name: &str,
        operation: FlockOperation,
    ) -> Result<Option<Self>, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(folder, name, flags | OFlags::NONBLOCK, mode)?;
        rustix::fs::flock(&file, operation)?;
        let open = rustix::fs::fstat(&file)?;
        match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) if found.st_dev == open.st_dev && found.st_ino == open.st_ino => {
                Ok(Some(Self {
                    folder,
                    name: name.to_owned(),
                    _file: file,
                }))
            }
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // What stays is removed by the next to open the cache.
        let _removed = rustix::fs::unlinkat(self.folder, &self.name, AtFlags::empty());
    }
}
