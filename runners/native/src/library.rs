//! Opening a library by path, and the loader's own words where that fails.

use std::error::Error;
use std::path::Path;

use libloading::Library;

/// Opens the library at this path: one that the user pointed at, that was installed after its digest was checked, or that the system has
/// in a folder of drivers.
pub(crate) fn open(path: &Path) -> Result<Library, String> {
    // SAFETY: running the initialisers of a library that was chosen like that is what opening it means.
    let opened = unsafe { Library::new(path) };
    opened.map_err(|error| cause(&error))
}

/// What the loader itself said: the error's last cause, since those before it say only which call failed.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
