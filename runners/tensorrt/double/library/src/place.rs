//! The folder that this library was opened from, and the entries of `double.conf` in it.

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

/// An entry: `onnxruntime` (the library that computes, by absolute path), `tensorrt_version` (11.4.0.106), `shape_values` (on: a build
/// takes inputs that are shapes without being told of their values), `refuse_tensorrt` (on: it finds no driver that it could use).
pub(crate) fn setting(key: &str) -> Option<String> {
    let text = std::fs::read_to_string(folder()?.join("double.conf")).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let found = lines.find(|(known, _)| known.trim() == key);
    found.map(|(_, value)| value.trim().to_owned())
}
