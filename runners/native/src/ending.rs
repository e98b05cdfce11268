//! Ending this process while threads of it are inside of vendor libraries.

use std::ffi::c_int;

unsafe extern "C" {
    // SAFETY: POSIX has it end the process and nothing else, whatever other threads are at.
    safe fn _exit(status: c_int) -> !;
}

/// Ends the process with this code at once. An ordinary end takes libraries down first, beneath threads that may be in the
/// middle of them. Nothing is dropped, flushed or told: whoever asks for this has done all of that.
pub fn end_at_once(code: u8) -> ! {
    _exit(code.into())
}
