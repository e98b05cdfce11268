//! The folder that this library was opened from. Both doubles are compiled with this, each to find its own.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The folder of the path that this library was opened by: links are not followed, so that each test can have a folder of its own.
pub(crate) fn folder() -> Option<PathBuf> {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    let here = (folder as *const ()).cast::<libc::c_void>();
    // SAFETY: any address may be asked for, and the place is valid.
    let is_found = unsafe { libc::dladdr(here, found.as_mut_ptr()) };
    if is_found == 0 {
        return None;
    }
    // SAFETY: it was found, and so written.
    let found = unsafe { found.assume_init() };
    // SAFETY: the loader's name of a library has its end and lives as long as the library.
    let name = unsafe { CStr::from_ptr(found.dli_fname) };
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    path.parent().map(Path::to_owned)
}
