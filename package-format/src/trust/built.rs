//! What this machine built itself: a private folder with one empty file for each digest.
//!
//! A digest is a file of its own, so that recording one is a single step of the system's: processes need no
//! lock, a crash leaves no half of one, and nothing that is recorded is ever written again. It is on record
//! for whoever may read the folder, which is this user; a folder that others may use is refused.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::Digest;
use crate::cache::private::{self, PrivateFault};

/// The record of what this machine built.
#[derive(Debug)]
pub struct BuiltHere {
    path: PathBuf,
    folder: OwnedFd,
}

/// The record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BuiltHereError {
    /// The folder cannot be read or written.
    #[error("the record of what was built here, {path}, cannot be used", path = .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder, or what is in it, is not this user's alone.
    #[error("the record of what was built here, {path}, is not private: {reason}", path = .path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Who else may use it.
        reason: &'static str,
    },
}

impl BuiltHere {
    /// Opens the record in this folder, which is created where it is missing, and must be this user's alone.
    pub fn open(path: &Path) -> Result<Self, BuiltHereError> {
        let folder = private::open(path).map_err(|fault| match fault {
            PrivateFault::Io(source) => BuiltHereError::Io {
                path: path.to_owned(),
                source,
            },
            PrivateFault::Shared(reason) => BuiltHereError::NotPrivate {
                path: path.to_owned(),
                reason,
            },
        })?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// Records that this machine built a file. It stays on record, also when power is lost.
    pub fn record(&self, digest: &Digest) -> Result<(), BuiltHereError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::openat(&self.folder, digest.to_string(), flags, mode) {
            Ok(_) => rustix::fs::fsync(&self.folder).map_err(|errno| self.failed(errno)),
            // Recorded before, or something that is no record, which is found out here.
            Err(Errno::EXIST) => self.has(digest).map(|_| ()),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    /// Whether this machine built all of these files. Of no files that is not so.
    pub fn has_all<'d>(
        &self,
        digests: impl IntoIterator<Item = &'d Digest>,
    ) -> Result<bool, BuiltHereError> {
        let mut any = false;
        for digest in digests {
            if !self.has(digest)? {
                return Ok(false);
            }
            any = true;
        }
        Ok(any)
    }

    fn has(&self, digest: &Digest) -> Result<bool, BuiltHereError> {
        let name = digest.to_string();
        match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
                let own = stat.st_uid == rustix::process::geteuid().as_raw();
                if regular && own {
                    return Ok(true);
                }
                Err(BuiltHereError::NotPrivate {
                    path: self.path.clone(),
                    reason: "there is something in it that this user did not put there",
                })
            }
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed(errno)),
        }
    }

    fn failed(&self, errno: Errno) -> BuiltHereError {
        BuiltHereError::Io {
            path: self.path.clone(),
            source: errno.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_recorded_stays_on_record() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("built");
        let record = BuiltHere::open(&path).unwrap();
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        assert!(!record.has_all([&one]).unwrap());
        record.record(&one).unwrap();
        record.record(&one).unwrap();
        let again = BuiltHere::open(&path).unwrap();
        assert!(again.has_all([&one, &one]).unwrap());
        assert!(!again.has_all([&one, &two]).unwrap());
        assert!(!again.has_all([]).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join(one.to_string())), 0o600);
    }

    #[test]
    fn many_record_the_same_at_once() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("built");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let record = BuiltHere::open(&path).unwrap();
                    for number in 0..50_u8 {
                        record.record(&Digest::of(&[number])).unwrap();
                    }
                });
            }
        });
        let digests: Vec<Digest> = (0..50_u8).map(|number| Digest::of(&[number])).collect();
        assert!(BuiltHere::open(&path).unwrap().has_all(&digests).unwrap());
    }

    #[test]
    fn a_record_that_others_may_write_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("built");
        let record = BuiltHere::open(&path).unwrap();
        let digest = Digest::of(b"1");
        symlink("/etc/passwd", path.join(digest.to_string())).unwrap();
        let check = |error: BuiltHereError, expected: &str| {
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(
            record.has_all([&digest]).unwrap_err(),
            "this user did not put there",
        );
        check(
            record.record(&digest).unwrap_err(),
            "this user did not put there",
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        check(
            BuiltHere::open(&path).unwrap_err(),
            "others may read or write it",
        );
    }
}
