//! TensorRT's library, opened by path: which version it is, and whether it works on the device in use.

use std::fmt;
use std::path::Path;
use std::ptr::NonNull;

use super::raw::{self, RawLibrary};
use super::{TensorRtError, check, path_text, reason};

/// An opened TensorRT. It stays open as long as the process: what it registered there cannot be taken back.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    raw: NonNull<RawLibrary>,
}

// SAFETY: it is a table of functions, which is not changed once it is made.
unsafe impl Send for Library {}
// SAFETY: as above; TensorRT makes runtimes and builders from several threads.
unsafe impl Sync for Library {}

impl Library {
    /// Opens TensorRT, and the parser of ONNX if there is one.
    pub(crate) fn open(path: &Path, parser: Option<&Path>) -> Result<Self, TensorRtError> {
        let path = path_text(path)?;
        let parser = parser.map(path_text).transpose()?;
        let parser = parser
            .as_ref()
            .map_or(std::ptr::null(), |parser| parser.as_ptr());
        let mut place = std::ptr::null_mut();
        // SAFETY: the paths have their ends or are null, and `place` outlives the call. What the library does when it is opened is
        // the vendor's, which the user chose.
        let raw = unsafe { raw::nav_library_open(path.as_ptr(), parser, &raw mut place) };
        let raw = NonNull::new(raw).ok_or_else(|| reason(place))?;
        Ok(Self { raw })
    }

    /// Its version, with the number of the build: `11.4.0.106`.
    pub(crate) fn version(self) -> String {
        let mut version = [0; 4];
        // SAFETY: the library is open, and the place has room for four numbers.
        unsafe { raw::nav_library_version(self.raw.as_ptr(), &raw mut version) };
        let [major, minor, patch, build] = version;
        format!("{major}.{minor}.{patch}.{build}")
    }

    /// Whether it can be set up on the device in use.
    pub(crate) fn try_out(self) -> Result<(), TensorRtError> {
        let mut place = std::ptr::null_mut();
        // SAFETY: the library is open, and `place` outlives the call.
        let code = unsafe { raw::nav_library_try(self.raw.as_ptr(), &raw mut place) };
        check(code, place)
    }

    pub(super) fn as_ptr(self) -> *mut RawLibrary {
        self.raw.as_ptr()
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Library").field(&self.version()).finish()
    }
}
