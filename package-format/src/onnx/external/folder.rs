//! The folder of a model, and files opened so that they are certain to be inside it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::ExternalFault;
use super::location::Location;
use crate::file::READ;

/// A file that a model needs besides its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalFile {
    /// Its path, relative to the model's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// The folder that a model is in, held open: what it is called may change meanwhile.
#[derive(Debug)]
pub struct ModelFolder(OwnedFd);

impl ModelFolder {
    /// The folder of the model at this path.
    pub fn of(model: &Path) -> Result<Self, ExternalFault> {
        let folder = match model.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, folder, flags, Mode::empty());
        opened.map(Self).map_err(fault)
    }

    /// Opens a file below the folder, and tells its size. The kernel itself refuses every way out, so there
    /// is no time between a check and its use.
    pub fn open(&self, location: &Location) -> Result<(File, u64), ExternalFault> {
        let flags = READ | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat2(&self.0, location.as_str(), flags, Mode::empty(), resolve);
        let file = opened.map_err(fault)?;
        let stat = rustix::fs::fstat(&file).map_err(fault)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(ExternalFault::NotRegular);
        }
        #[expect(
            clippy::useless_conversion,
            reason = "the type differs between architectures"
        )]
        let links = u64::from(stat.st_nlink);
        if links != 1 {
            return Err(ExternalFault::HardLinks(links));
        }
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        Ok((File::from(file), size))
    }
}

fn fault(errno: Errno) -> ExternalFault {
    match errno {
        Errno::NOENT | Errno::NOTDIR => ExternalFault::Missing,
        Errno::LOOP => ExternalFault::Link,
        Errno::XDEV => ExternalFault::Outside,
        Errno::NXIO => ExternalFault::NotRegular,
        Errno::ACCESS | Errno::PERM => ExternalFault::NotPermitted,
        Errno::NOSYS => ExternalFault::NoContainment,
        _ => ExternalFault::Io(errno.into()),
    }
}
