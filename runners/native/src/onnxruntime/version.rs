//! Which version an ONNX Runtime library is, asked before anything else is done with it.

use std::ffi::CStr;
use std::path::Path;

use libloading::{Library, Symbol};
use ort::sys;

use crate::library;

/// Why a file is no ONNX Runtime library.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The loader does not take it.
    #[error("{0}")]
    Open(String),
    /// It is some other library.
    #[error("it does not export OrtGetApiBase, so it is not ONNX Runtime")]
    NotOnnxRuntime,
}

type GetApiBase = unsafe extern "C" fn() -> *const sys::OrtApiBase;

/// A library that is open. Opening it again costs next to nothing as long as this is there, and much if it was closed: it is
/// large, and most of the time goes into tying it to others.
#[derive(Debug)]
pub struct KnownLibrary {
    /// Its version.
    pub version: String,
    _library: Library,
}

/// Opens the library at this path and asks it for its version.
pub fn library_version(path: &Path) -> Result<KnownLibrary, VersionError> {
    let library = library::open(path).map_err(VersionError::Open)?;
    // SAFETY: `OrtGetApiBase` has had this signature in every version of ONNX Runtime.
    let symbol: Result<Symbol<'_, GetApiBase>, _> = unsafe { library.get(b"OrtGetApiBase\0") };
    let get_api_base = symbol.map_err(|_| VersionError::NotOnnxRuntime)?;
    // SAFETY: the function takes nothing and gives a pointer to a static table, or null.
    let base = unsafe { get_api_base() };
    // SAFETY: not null is what `as_ref` checks; the table lives as long as the library.
    let base = unsafe { base.as_ref() }.ok_or(VersionError::NotOnnxRuntime)?;
    // SAFETY: the function takes nothing and gives a static string.
    let version = unsafe { (base.GetVersionString)() };
    // SAFETY: the string is static and ends in a NUL.
    let version = unsafe { CStr::from_ptr(version) };
    let version = version.to_string_lossy().into_owned();
    Ok(KnownLibrary {
        version,
        _library: library,
    })
}
