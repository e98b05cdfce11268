//! Opening a library by path, and the loader's own words where that fails.

use std::error::Error;
use std::path::Path;

use libloading::Library;

/// Opens the library at this path: one that the user pointed at, that was installed after its digest was checked, or that the system has
/// in a folder of drivers.
pub(crate) fn open(path: &Path) -> Result<Library, String> {
    // SAFETY: running the initialisers of a library that was chosen like that is what opening it means.
    let opened = unsafe { Library::new(path) };
    // The error itself says only which call failed.
    opened.map_err(|error| {
        let cause = error.source().map(ToString::to_string);
        cause.unwrap_or_else(|| error.to_string())
    })
}
