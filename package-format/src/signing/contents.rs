//! What there is to sign or to compare: the digests of a file, or of all files below a folder. Links,
//! devices and files with a second name are refused, as what they stand for may change unseen.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};

use super::statement::ONLY_FILE;
use crate::Digest;
use crate::archive::{Limits, NameFault, check_name};
use crate::file::READ;

/// What is signed or compared.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A file, open already, so that what is checked is what is used.
    File(&'a File, &'a Path),
    /// A folder.
    Folder(&'a Path),
}

/// The digests of what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pub(super) name: String,
    pub(super) files: BTreeMap<String, Digest>,
    /// Files that are there and are left out.
    pub(super) uncovered: Vec<String>,
}

/// What a signature leaves out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left<'a> {
    /// Files and folders.
    pub(super) ignored: &'a [String],
    /// The signature's own file, by device and inode, which is not missed among them.
    pub(super) signature: Option<(u64, u64)>,
}

/// Files cannot be signed or compared.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is something that cannot be signed.
    #[error("{name:?} in {folder} {what}", folder = .folder.display())]
    NotPlain {
        /// The folder.
        folder: PathBuf,
        /// What is in it.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is a file of a name that packages may not have.
    #[error("{name:?} in {folder} cannot be signed", folder = .folder.display())]
    Name {
        /// The folder.
        folder: PathBuf,
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameFault,
    },
    /// There is nothing.
    #[error("there is no file in {folder}", folder = .folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// There are more files than a package may have.
    #[error("there are more than {limit} files in {folder}", folder = .folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// How many there may be.
        limit: u64,
    },
}

impl ContentsError {
    /// Whether the files are at fault, rather than the path, the user's rights or the machine.
    pub const fn is_integrity(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

impl Contents {
    /// Hashes all of it. `seen` is told the bytes read so far.
    pub fn of(target: Target<'_>, seen: &mut dyn FnMut(u64)) -> Result<Self, ContentsError> {
        Self::without(target, Left::default(), seen)
    }

    /// Hashes all but what is left out.
    pub(super) fn without(
        target: Target<'_>,
        left: Left<'_>,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Self, ContentsError> {
        let path = match target {
            Target::File(_, path) | Target::Folder(path) => path,
        };
        let name = path.file_name().unwrap_or(path.as_os_str());
        let contents = Self {
            name: name.to_string_lossy().into_owned(),
            files: BTreeMap::new(),
            uncovered: Vec::new(),
        };
        match target {
            Target::File(file, path) => contents.with_file(file, path, seen),
            Target::Folder(path) => {
                let mut walk = Walk {
                    root: path,
                    left,
                    seen,
                    total: 0,
                    contents,
                };
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = rustix::fs::openat(CWD, path, flags, Mode::empty());
                walk.folder(&folder.map_err(|errno| walk.failed("", errno))?, "")?;
                walk.finish()
            }
        }
    }

    /// The digest of each file; one of the name `.` for a single file.
    pub const fn files(&self) -> &BTreeMap<String, Digest> {
        &self.files
    }

    fn with_file(
        mut self,
        mut file: &File,
        path: &Path,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Self, ContentsError> {
        let rewound = file.rewind();
        let digest = rewound.and_then(|()| Digest::of_reader(file, seen));
        let digest = digest.map_err(|source| ContentsError::Read {
            path: path.to_owned(),
            source,
        })?;
        self.files.insert(ONLY_FILE.to_owned(), digest);
        Ok(self)
    }
}

/// A way through a folder.
struct Walk<'a> {
    root: &'a Path,
    left: Left<'a>,
    seen: &'a mut dyn FnMut(u64),
    total: u64,
    contents: Contents,
}

impl Walk<'_> {
    /// Goes through a folder whose own name is `prefix`, with a slash at its end unless it is the root.
    /// Names cannot be too deep, so neither can this.
    fn folder(&mut self, folder: &OwnedFd, prefix: &str) -> Result<(), ContentsError> {
        let entries = Dir::read_from(folder).map_err(|errno| self.failed(prefix, errno))?;
        for entry in entries {
            let entry = entry.map_err(|errno| self.failed(prefix, errno))?;
            let part = entry.file_name();
            if matches!(part.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(text) = part.to_str() else {
                let name = format!("{prefix}{}", part.to_string_lossy());
                return Err(self.not_plain(&name, "has a name that is not UTF-8"));
            };
            let name = format!("{prefix}{text}");
            self.entry(folder, text, &name)?;
        }
        Ok(())
    }

    fn entry(&mut self, folder: &OwnedFd, part: &str, name: &str) -> Result<(), ContentsError> {
        check_name(name, &Limits::default()).map_err(|source| ContentsError::Name {
            folder: self.root.to_owned(),
            name: name.to_owned(),
            source,
        })?;
        let stat = rustix::fs::statat(folder, part, AtFlags::SYMLINK_NOFOLLOW);
        let stat = stat.map_err(|errno| self.failed(name, errno))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(folder, part, name),
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let below = rustix::fs::openat(folder, part, flags, Mode::empty());
                let below = below.map_err(|errno| self.failed(name, errno))?;
                self.folder(&below, &format!("{name}/"))
            }
            FileType::Symlink => Err(self.not_plain(name, "is a link, and links are not followed")),
            _ => Err(self.not_plain(name, "is no file and no folder")),
        }
    }

    fn file(&mut self, folder: &OwnedFd, part: &str, name: &str) -> Result<(), ContentsError> {
        let flags = READ | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(folder, part, flags, Mode::empty());
        let file = file.map_err(|errno| self.failed(name, errno))?;
        let stat = rustix::fs::fstat(&file).map_err(|errno| self.failed(name, errno))?;
        // It may have become something else since it was looked at.
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(self.not_plain(name, "is no file and no folder"));
        }
        if stat.st_nlink != 1 {
            return Err(self.not_plain(name, "has a second name, by which it may be changed"));
        }
        if self.is_ignored(name) {
            if self.left.signature != Some(identity(&stat)) {
                self.contents.uncovered.push(name.to_owned());
            }
            return self.count();
        }
        let (before, seen) = (self.total, &mut self.seen);
        let mut total = before;
        let digest = Digest::of_reader(File::from(file), |bytes| {
            total = before + bytes;
            seen(total);
        });
        self.total = total;
        let digest = digest.map_err(|source| ContentsError::Read {
            path: self.root.join(name),
            source,
        })?;
        self.contents.files.insert(name.to_owned(), digest);
        self.count()
    }

    fn count(&self) -> Result<(), ContentsError> {
        let limit = Limits::default().entries;
        let count = self.contents.files.len() + self.contents.uncovered.len();
        if count as u64 > limit {
            return Err(ContentsError::TooMany {
                folder: self.root.to_owned(),
                limit,
            });
        }
        Ok(())
    }

    fn is_ignored(&self, name: &str) -> bool {
        let mut ignored = self.left.ignored.iter();
        ignored.any(|path| {
            let rest = name.strip_prefix(path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn finish(mut self) -> Result<Contents, ContentsError> {
        if self.contents.files.is_empty() {
            return Err(ContentsError::Empty {
                folder: self.root.to_owned(),
            });
        }
        self.contents.uncovered.sort();
        Ok(self.contents)
    }

    fn not_plain(&self, name: &str, what: &'static str) -> ContentsError {
        ContentsError::NotPlain {
            folder: self.root.to_owned(),
            name: name.to_owned(),
            what,
        }
    }

    fn failed(&self, name: &str, errno: rustix::io::Errno) -> ContentsError {
        ContentsError::Read {
            path: self.root.join(name),
            source: errno.into(),
        }
    }
}

/// What tells a file from all others: its device and inode.
pub(super) fn identity_of(file: &impl AsFd) -> io::Result<(u64, u64)> {
    Ok(identity(&rustix::fs::fstat(file)?))
}

const fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}
