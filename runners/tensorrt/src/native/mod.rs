//! TensorRT as its C++ interface has it: a library opened by path, engines, contexts and building, with errors as texts. The only module
//! with unsafe code. It knows nothing of runners.

mod build;
mod context;
mod engine;
mod library;
mod raw;

use std::ffi::{CStr, CString, c_char};
use std::path::Path;

pub(crate) use build::{Build, BuiltEngine, InputRange};
pub(crate) use context::{Context, RunFailure};
pub(crate) use engine::{Engine, EngineTensor, Extents};
pub(crate) use library::Library;

/// What TensorRT says of a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TensorRtError(pub(crate) String);

/// Takes a reason out of the place where a call left it.
fn reason(place: *mut c_char) -> TensorRtError {
    if place.is_null() {
        return TensorRtError("TensorRT gave no reason".to_owned());
    }
    // SAFETY: a reason is a text with its end, which nobody else holds.
    let text = unsafe { CStr::from_ptr(place) };
    let text = text.to_string_lossy().trim().to_owned();
    // SAFETY: the text came from the same side, and is not used any more.
    unsafe { raw::nav_text_free(place) };
    TensorRtError(text)
}

/// Turns what a call came to, and the place where it left its reason, into a result.
fn check(code: i32, place: *mut c_char) -> Result<(), TensorRtError> {
    if code == 0 {
        Ok(())
    } else {
        Err(reason(place))
    }
}

fn path_text(path: &Path) -> Result<CString, TensorRtError> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| TensorRtError("its path holds a NUL".to_owned()))
}

#[cfg(test)]
mod tests;
