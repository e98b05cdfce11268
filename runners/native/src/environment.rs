//! Variables of this process: the one that says where the driver is, and those that only vendor libraries read, and read by themselves, so
//! that there is no other way to tell them.

use std::ffi::OsString;

/// Names the driver's CUDA library on hosts where it lies in no folder that is known.
const CUDA_DRIVER: &str = "NAV_CUDA_DRIVER";

/// The driver that the user named. Read here and not by whoever starts the process, as every process that opens a driver (a command, a
/// worker, a program that imports this) must come to the same one.
#[expect(
    clippy::disallowed_methods,
    reason = "it is the same for all processes, and none of them could do with another"
)]
pub(crate) fn cuda_driver() -> Option<OsString> {
    std::env::var_os(CUDA_DRIVER).filter(|value| !value.is_empty())
}

/// Sets a variable, if this process has no thread but this one, and says whether it did.
pub fn set_while_alone(name: &str, value: &str) -> bool {
    let is_alone = std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1);
    if is_alone {
        // SAFETY: setting a variable is undone only by somebody who reads or writes the environment meanwhile. There is no
        // other thread, and only this one, which is busy here, could start one.
        unsafe { std::env::set_var(name, value) };
    }
    is_alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a thread that needs no name")]
    fn nothing_is_set_while_others_may_read() {
        let (end, is_over) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || is_over.recv());
        assert!(!set_while_alone("NAV_TEST_OF_VARIABLES", "1"));
        drop(end);
        assert!(other.join().unwrap().is_err());
        let is_set = std::env::vars_os().any(|(name, _)| name == "NAV_TEST_OF_VARIABLES");
        assert!(!is_set);
    }
}
