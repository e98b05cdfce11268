//! Writes entries below a folder that is opened once. Every file is new, and the kernel itself refuses all
//! that leads elsewhere, so there is no time between a check and its use.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::error::{ArchiveError, EntryFault};
use super::limits::Limits;
use super::name::check_name;
use super::reader::Archive;
use crate::Digest;

/// Folders and files are the user's own.
const FOLDER_MODE: Mode = Mode::RWXU;
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder to extract into.
#[derive(Debug)]
pub struct ExtractFolder(OwnedFd);

impl ExtractFolder {
    /// Opens a folder that exists. Follows links: the path is the user's own.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
        opened.map(Self).map_err(|errno| ArchiveError::Write {
            path: path.to_owned(),
            source: errno.into(),
        })
    }

    /// The folder that is open already.
    pub(crate) const fn new(folder: OwnedFd) -> Self {
        Self(folder)
    }

    /// Creates a file that does not exist, and the folders that it is in. The name must have been checked.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match name.rsplit_once('/') {
            None => beneath(&self.0, name, flags, FILE_MODE),
            Some((folder, file)) => beneath(&self.make_folder(folder)?, file, flags, FILE_MODE),
        };
        Ok(File::from(file?))
    }

    /// Opens the folder of this name, and creates it where it is missing.
    fn make_folder(&self, name: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = self.0.try_clone()?;
        for part in name.split('/') {
            match rustix::fs::mkdirat(&folder, part, FOLDER_MODE) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            folder = beneath(&folder, part, flags, Mode::empty())?;
        }
        Ok(folder)
    }

    /// Opens a file to read it.
    pub(crate) fn read(&self, name: &str) -> io::Result<File> {
        let flags = crate::file::READ | OFlags::NOFOLLOW;
        Ok(File::from(beneath(&self.0, name, flags, Mode::empty())?))
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        match name.rsplit_once('/') {
            None => rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?,
            Some((folder, file)) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = beneath(&self.0, folder, flags, Mode::empty())?;
                rustix::fs::unlinkat(folder, file, AtFlags::empty())?;
            }
        }
        Ok(())
    }
}

/// Opens what is below the folder, over no link.
fn beneath(folder: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let resolve = resolve | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(folder, name, flags, mode, resolve)?)
}

impl Archive {
    /// Extracts a file to the same name below `folder`, where nothing of that name may be. Its content is
    /// checked on the way; one that is not right, or not complete, is removed again.
    pub fn extract(
        &self,
        name: &str,
        expected: Option<&Digest>,
        folder: &ExtractFolder,
        seen: &mut dyn FnMut(u64),
    ) -> Result<(), ArchiveError> {
        let failed = |error| ArchiveError::in_entry(name, EntryFault::Extract(error));
        check_name(name, &Limits::default())
            .map_err(|fault| ArchiveError::in_entry(name, fault))?;
        if self.entry(name).is_none() {
            return Err(ArchiveError::in_entry(name, EntryFault::Missing));
        }
        let mut file = folder.create(name).map_err(failed)?;
        let unfinished = Unfinished { folder, name };
        let copied = self.copy_entry(name, expected, &mut file, seen);
        copied.map_err(|error| match error {
            ArchiveError::Target(error) => failed(error),
            other => other,
        })?;
        file.flush().map_err(failed)?;
        unfinished.keep();
        Ok(())
    }
}

/// A file that is removed unless it is kept, panic or not.
struct Unfinished<'a> {
    folder: &'a ExtractFolder,
    name: &'a str,
}

impl Unfinished<'_> {
    const fn keep(self) {
        let _kept = std::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // There is an error already, and no one left to tell of another.
        let _removed = self.folder.remove(self.name);
    }
}
