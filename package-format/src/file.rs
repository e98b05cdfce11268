//! Opens model files, which may turn out to be anything: never blocks on a pipe, never takes a folder or
//! a device for a file. Knows nothing of what is inside.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

/// Why a path cannot be read as a file. The file's content is not at fault.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("{path} does not exist", path = .path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// It may not be read.
    #[error("{path} may not be read by this user", path = .path.display())]
    NotPermitted {
        /// The path.
        path: PathBuf,
    },
    /// It is a folder.
    #[error("{path} is a folder, not a file", path = .path.display())]
    Folder {
        /// The path.
        path: PathBuf,
    },
    /// It is a pipe, a socket or a device.
    #[error("{path} is not a regular file", path = .path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// The system could not open it.
    #[error("cannot open {path}", path = .path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// How every file is opened: a pipe without a writer must not hold us up.
pub(crate) const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// Opens a regular file for reading, and tells its size. Follows links: the path is the user's own.
pub fn open(path: &Path) -> Result<(File, u64), FileError> {
    let path_buf = || path.to_owned();
    let failed = |errno: Errno| match errno {
        Errno::NOENT | Errno::NOTDIR => FileError::NotFound { path: path_buf() },
        Errno::ACCESS | Errno::PERM => FileError::NotPermitted { path: path_buf() },
        Errno::NXIO => FileError::NotRegular { path: path_buf() },
        _ => FileError::Io {
            path: path_buf(),
            source: errno.into(),
        },
    };
    let file = rustix::fs::open(path, READ, Mode::empty()).map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(failed)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(FileError::Folder { path: path_buf() }),
        _ => return Err(FileError::NotRegular { path: path_buf() }),
    }
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    Ok((File::from(file), size))
}

#[cfg(test)]
mod tests {
    use rustix::fs::CWD;

    use super::*;

    #[test]
    fn only_a_regular_file_is_opened_and_a_pipe_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from(0o600), 0).unwrap();

        assert_eq!(open(&file).unwrap().1, 3);
        let check = |path: &Path, expected: &str| {
            let error = open(path).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        };
        check(&pipe, "is not a regular file");
        check(folder.path(), "is a folder, not a file");
        check(&folder.path().join("none"), "does not exist");
        check(&file.join("below"), "does not exist");
    }
}
