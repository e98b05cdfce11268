//! The cache itself: who may fill which folder, and when it takes its place.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::error::CacheError;
use super::folder::{self, Contents, Stamp};
use super::key::{self, CachedFile};
use super::lock::Lock;
use super::private;
use crate::Digest;
use crate::archive::{ArchiveError, ExtractFolder};

/// The end of the name of a folder that is not complete.
const PARTIAL: &str = ".partial";
/// The end of the name of the file whose lock allows to fill a folder.
const LOCK: &str = ".lock";

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
        let folder = private::open(path).map_err(|fault| CacheError::of_private(path, fault))?;
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
        let lock = Lock::take(&self.folder, &format!("{name}{LOCK}"));
        let _lock = lock.map_err(|errno| self.failed(errno))?;
        let partial = format!("{name}{PARTIAL}");
        // Whoever was killed before may have left it.
        self.remove(&partial)?;
        // Whoever had the lock before may have done it.
        if self.is_right(&key, &files)? {
            return Ok(path);
        }
        let filled = self.fill(&partial, &files, contents);
        let placed = filled.and_then(|()| self.put_in_place(&partial, &name));
        if let Err(error) = placed {
            self.remove(&partial)?;
            return Err(error);
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

    fn fill(
        &self,
        partial: &str,
        files: &[CachedFile],
        contents: &mut Contents<'_>,
    ) -> Result<(), CacheError> {
        let made = rustix::fs::mkdirat(&self.folder, partial, Mode::RWXU);
        let opened = made.and_then(|()| folder::open(&self.folder, partial));
        let folder = ExtractFolder::new(opened.map_err(|errno| self.failed(errno))?);
        let mut files = files.iter();
        files.try_for_each(|file| folder::fill(&folder, file, contents))
    }

    /// Gives the folder its name. What has that name is not right, and is removed before: whoever finds
    /// nothing waits for the lock.
    fn put_in_place(&self, partial: &str, name: &str) -> Result<(), CacheError> {
        self.remove(name)?;
        let renamed = rustix::fs::renameat(&self.folder, partial, &self.folder, name);
        renamed.map_err(|errno| self.failed(errno))
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

    /// Removes the unfinished folders that nobody has locked, and the locks that nobody has.
    fn sweep(&self) -> Result<(), CacheError> {
        for entry in fs::read_dir(&self.path).map_err(|error| self.error(error))? {
            let name = entry.map_err(|error| self.error(error))?.file_name();
            let Some(name) = name.to_str() else {
                continue;
            };
            let key = name.strip_suffix(PARTIAL).or(name.strip_suffix(LOCK));
            let Some(key) = key.filter(|key| key.parse::<Digest>().is_ok()) else {
                continue;
            };
            let lock = Lock::take_free(&self.folder, &format!("{key}{LOCK}"));
            // Held until the folder is removed.
            if let Some(_lock) = lock.map_err(|errno| self.failed(errno))? {
                self.remove(&format!("{key}{PARTIAL}"))?;
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
