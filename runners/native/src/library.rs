//! Opening a library by path, and the loader's own words where that fails.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use libloading::Library;

/// Opens the library at this path: one that the user pointed at, that was installed after its digest was checked, or that the system has
/// in a folder of drivers.
pub(crate) fn open(path: &Path) -> Result<Library, String> {
    // SAFETY: running the initialisers of a library that was chosen like that is what opening it means.
    let opened = unsafe { Library::new(path) };
    opened.map_err(|error| cause(&error))
}

/// Libraries that stay open as long as this process.
static KEPT: Mutex<BTreeMap<PathBuf, Library>> = Mutex::new(BTreeMap::new());

/// Opens a library that another one will ask the system's loader for by name, so that it gets this one wherever the loader would have
/// looked. It stays open.
pub fn preload(path: &Path) -> Result<(), String> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if !kept.contains_key(path) {
        kept.insert(path.to_owned(), open(path)?);
    }
    Ok(())
}

/// What the loader itself said: the error's last cause, since those before it say only which call failed.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
