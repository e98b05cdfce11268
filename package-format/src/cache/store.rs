//! The cache itself: who may fill which folder, and when it takes its place.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FlockOperation, Mode, RenameFlags, Stat};
use rustix::io::Errno;

use super::error::CacheError;
use super::folder::{self, Contents, Stamp};
use super::key::{self, CachedFile};
use super::private;
use crate::Digest;
use crate::archive::{ArchiveError, ExtractFolder};

/// The end of the name of a folder that is not complete.
const PARTIAL: &str = ".partial";

/// A folder, and files in it with what tells that they were not touched.
type Found = (ExtractFolder, Vec<(File, Stamp)>);

/// An open cache. Threads may share it, processes each open their own.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    folder: OwnedFd,
    /// What was found to be right, and the files as they were then.
    checked: Mutex<HashMap<Digest, Vec<Stamp>>>,
}

impl Cache {
    /// Opens the cache in this folder, which is created where it is missing, and must be this user's alone.
    /// What others have left unfinished is removed.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        let folder = private::open(path)?;
        let cache = Self {
            path: path.to_owned(),
            folder,
            checked: Mutex::default(),
        };
        cache.sweep()?;
        Ok(cache)
    }

    /// The folder with these files, under these names. Those that are not there yet are asked from
    /// `contents`, which writes the whole content of each; what it writes is checked here, so the digest need
    /// not be checked on the way.
    pub fn materialise(
        &self,
        files: &[CachedFile],
        contents: &mut Contents<'_>,
    ) -> Result<PathBuf, CacheError> {
        let key = key::key(files)?;
        let name = key.to_string();
        let path = self.path.join(&name);
        // Stamps are in the order of the names, as the key is.
        let mut files = files.to_vec();
        files.sort_unstable();
        if self.is_right(&key, &files)? {
            return Ok(path);
        }
        let partial = format!("{name}{PARTIAL}");
        let _lock = self.lock(&partial)?;
        // Whoever had the lock before may have done it.
        if self.is_right(&key, &files)? {
            self.remove(&partial)?;
            return Ok(path);
        }
        self.empty(&partial)?;
        match self.fill(&partial, &files, contents) {
            Ok(()) => self.put_in_place(&partial, &name)?,
            Err(error) => {
                self.remove(&partial)?;
                return Err(error);
            }
        }
        // It was hashed as it was written.
        if let Some((_, found)) = self.find(&key, &files)? {
            let stamps = found.into_iter().map(|(_, stamp)| stamp).collect();
            self.checked().insert(key, stamps);
        }
        Ok(path)
    }

    /// The path of one file, whose content is asked for if it is not there yet.
    pub fn get_or_insert(
        &self,
        file: &CachedFile,
        content: &mut dyn FnMut(&mut dyn Write) -> Result<(), ArchiveError>,
    ) -> Result<PathBuf, CacheError> {
        let files = std::slice::from_ref(file);
        let folder = self.materialise(files, &mut |_, target| content(target))?;
        Ok(folder.join(&file.name))
    }

    /// The folder of a set and its files, as far as they are there and look right.
    fn find(&self, key: &Digest, files: &[CachedFile]) -> Result<Option<Found>, CacheError> {
        match folder::open(&self.folder, &key.to_string()) {
            Ok(folder) => {
                let folder = ExtractFolder::new(folder);
                let found = folder::find(&folder, files);
                Ok(found.map(|found| (folder, found)))
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Whether the set is there and right. It is hashed unless it was before and is unchanged.
    fn is_right(&self, key: &Digest, files: &[CachedFile]) -> Result<bool, CacheError> {
        let Some((folder, found)) = self.find(key, files)? else {
            return Ok(false);
        };
        let stamps: Vec<Stamp> = found.iter().map(|(_, stamp)| stamp.clone()).collect();
        if self.checked().get(key) == Some(&stamps) {
            return Ok(true);
        }
        for ((open, _), file) in found.iter().zip(files) {
            let right = folder::is_right(open, &file.digest);
            if !right.map_err(|error| self.error(error))? {
                return Ok(false);
            }
        }
        // A file that changed while it was read has another stamp now.
        let again = folder::find(&folder, files).unwrap_or_default();
        let unchanged = again.iter().map(|(_, stamp)| stamp).eq(&stamps);
        if unchanged {
            self.checked().insert(*key, stamps);
        }
        Ok(unchanged)
    }

    fn checked(&self) -> MutexGuard<'_, HashMap<Digest, Vec<Stamp>>> {
        let locked = self.checked.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder and locks it, waiting for whoever has it.
    fn lock(&self, name: &str) -> Result<OwnedFd, CacheError> {
        loop {
            match rustix::fs::mkdirat(&self.folder, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
            let folder = match folder::open(&self.folder, name) {
                Ok(folder) => folder,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(self.failed(errno)),
            };
            match rustix::fs::flock(&folder, FlockOperation::LockExclusive) {
                Ok(()) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(self.failed(errno)),
            }
            // Whoever had the lock may have moved the folder to its place, or removed it.
            if self.is_at(&folder, name)? {
                return Ok(folder);
            }
        }
    }

    /// Whether an open folder has this name.
    fn is_at(&self, folder: &OwnedFd, name: &str) -> Result<bool, CacheError> {
        let is_same = |a: &Stat, b: &Stat| a.st_dev == b.st_dev && a.st_ino == b.st_ino;
        let open = rustix::fs::fstat(folder).map_err(|errno| self.failed(errno))?;
        match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(is_same(&open, &found)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    fn fill(
        &self,
        partial: &str,
        files: &[CachedFile],
        contents: &mut Contents<'_>,
    ) -> Result<(), CacheError> {
        let folder = folder::open(&self.folder, partial).map_err(|errno| self.failed(errno))?;
        let folder = ExtractFolder::new(folder);
        let mut files = files.iter();
        files.try_for_each(|file| folder::fill(&folder, file, contents))
    }

    /// Gives the folder its name. What has that name is not right, and is removed.
    fn put_in_place(&self, partial: &str, name: &str) -> Result<(), CacheError> {
        let rename = |flags| {
            let renamed =
                rustix::fs::renameat_with(&self.folder, partial, &self.folder, name, flags);
            renamed.map(drop)
        };
        match rename(RenameFlags::NOREPLACE) {
            // From here on, the other name is not ours any more.
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.failed(errno)),
        }
        // What is not right is locked before it gets the other name, under which others look for folders to
        // fill, until it is gone.
        let wrong = folder::open(&self.folder, name);
        let _lock = match wrong {
            Ok(wrong) => {
                let locked = rustix::fs::flock(&wrong, FlockOperation::LockExclusive);
                locked.map_err(|errno| self.failed(errno))?;
                Some(wrong)
            }
            // No folder, which nobody can lock.
            Err(_) => None,
        };
        rename(RenameFlags::EXCHANGE).map_err(|errno| self.failed(errno))?;
        self.remove(partial)
    }

    /// Removes what is in a folder, but not the folder, which is locked.
    fn empty(&self, name: &str) -> Result<(), CacheError> {
        let failed = |error| self.error(error);
        for entry in fs::read_dir(self.path.join(name)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let removed = if entry.file_type().map_err(failed)?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed.map_err(failed)?;
        }
        Ok(())
    }

    /// Removes whatever has this name, if anything.
    fn remove(&self, name: &str) -> Result<(), CacheError> {
        let path = self.path.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.error(error)),
            _ => Ok(()),
        }
    }

    /// Removes the unfinished folders that nobody has locked.
    fn sweep(&self) -> Result<(), CacheError> {
        for entry in fs::read_dir(&self.path).map_err(|error| self.error(error))? {
            let name = entry.map_err(|error| self.error(error))?.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(PARTIAL)) else {
                continue;
            };
            let Ok(folder) = folder::open(&self.folder, name) else {
                continue;
            };
            let locked = rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive);
            if locked.is_ok() && self.is_at(&folder, name)? {
                self.remove(name)?;
            }
        }
        Ok(())
    }

    fn failed(&self, errno: Errno) -> CacheError {
        self.error(errno.into())
    }

    fn error(&self, source: io::Error) -> CacheError {
        CacheError::Io {
            path: self.path.clone(),
            source,
        }
    }
}
