//! Keys in files: read with a bound, wiped afterwards, and written once.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::error::{KeyError, KeyFault};
use super::private::PrivateKey;
use crate::file;

/// More than any key has, with text before and after it.
const MOST: usize = 1 << 16;

/// Reads a key by way of `parse`.
pub(super) fn read<K>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<K, KeyFault>,
) -> Result<K, KeyError> {
    let (file, _) = file::open(path)?;
    // One piece of memory from the start: one that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 1));
    let read = file.take(MOST as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|source| KeyError::Read {
        path: path.to_owned(),
        source,
    })?;
    let key = if bytes.len() > MOST {
        Err(KeyFault::TooLarge { limit: MOST })
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|_| KeyFault::NotPem);
        text.and_then(parse)
    };
    key.map_err(|fault| KeyError::Fault {
        path: path.to_owned(),
        fault,
    })
}

/// Writes a key and its public key to two files that are not there yet. The private one is for this user
/// only.
pub fn write_pair(key: &PrivateKey, private: &Path, public: &Path) -> Result<(), KeyError> {
    let pem = key.to_pem().map_err(|fault| KeyError::Fault {
        path: private.to_owned(),
        fault,
    })?;
    write_new(private, pem.as_bytes(), Mode::RUSR | Mode::WUSR)?;
    let written = write_new(public, key.public().pem().as_bytes(), Mode::from(0o644));
    if written.is_err() {
        // The first error is the one to tell, and half a pair is of no use.
        drop(std::fs::remove_file(private));
    }
    written
}

fn write_new(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), KeyError> {
    let failed = |source: io::Error| KeyError::Write {
        path: path.to_owned(),
        source,
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(CWD, path, flags, mode) {
        Ok(file) => file,
        Err(Errno::EXIST | Errno::LOOP) => {
            return Err(KeyError::Exists {
                path: path.to_owned(),
            });
        }
        Err(errno) => return Err(failed(errno.into())),
    };
    let mut file = File::from(file);
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        drop(std::fs::remove_file(path));
    }
    written.map_err(failed)
}
