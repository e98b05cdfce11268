//! Every environment variable that programs are told by: nothing else here reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use nav_worker::packaged::{Home, HomeError};

/// The folder in which runtimes, models and records are kept, as `nav --cache-folder` has it.
const CACHE_FOLDER: &str = "NAV_CACHE_FOLDER";
/// The file that says who is trusted with what, as `nav --trust-policy` has it.
const TRUST_POLICY: &str = "NAV_TRUST_POLICY";

/// A value that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn named(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder in which this user's runtimes, models and records are kept.
pub(crate) fn home() -> Result<Option<Home>, HomeError> {
    match named(CACHE_FOLDER) {
        Some(folder) => Home::at(&PathBuf::from(folder)).map(Some),
        None => Ok(Home::of_user(named("XDG_CACHE_HOME"), named("HOME"))),
    }
}

/// The file that says who is trusted with what.
pub(crate) fn trust_policy() -> Option<PathBuf> {
    named(TRUST_POLICY).map(PathBuf::from)
}
