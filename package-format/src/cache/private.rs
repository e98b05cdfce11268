//! Folders that are this user's alone.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// Why a folder is not this user's alone, or cannot be opened.
#[derive(Debug)]
pub(crate) enum PrivateFault {
    /// The system's reason.
    Io(io::Error),
    /// Who else may use it.
    Shared(&'static str),
}

/// Opens a folder, and creates it where it is missing, but not those that it is in. A link is refused, as is
/// a folder that others may use: they could put a model of theirs in it.
pub(crate) fn open(path: &Path) -> Result<OwnedFd, PrivateFault> {
    let failed = |errno: Errno| PrivateFault::Io(errno.into());
    let refused = PrivateFault::Shared;
    match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::LOOP | Errno::NOTDIR) => return Err(refused("it is no folder")),
        Err(errno) => return Err(failed(errno)),
    };
    let stat = rustix::fs::fstat(&folder).map_err(failed)?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(refused("others may read or write it"));
    }
    Ok(folder)
}
