//! Every environment variable that `nav` reads, in one place: nothing else reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

/// A documented variable.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) meaning: &'static str,
}

/// Set to 1, forbids every download.
pub(crate) const OFFLINE: Variable = Variable {
    name: "NAV_OFFLINE",
    meaning: "1 forbids downloads, as --offline does",
};
/// Where installed runtimes and caches are kept.
pub(crate) const CACHE_FOLDER: Variable = Variable {
    name: "NAV_CACHE_FOLDER",
    meaning: "folder for runtimes and caches",
};
/// The Python that fetches wheels.
pub(crate) const PYTHON: Variable = Variable {
    name: "NAV_PYTHON",
    meaning: "the Python whose pip fetches runtimes [python3]",
};
/// Libraries that are on the machine already.
pub(crate) const LIBRARIES: Variable = Variable {
    name: "NAV_LIBRARIES",
    meaning: "libraries to use, as --library: NAME=PATH, several divided by `:`",
};
/// Executables of vendor runners.
pub(crate) const WORKERS: Variable = Variable {
    name: "NAV_WORKERS",
    meaning: "vendor runner executables, as --worker: NAME=PATH, several divided by `:`",
};

/// Who is trusted.
pub(crate) const TRUST_POLICY: Variable = Variable {
    name: "NAV_TRUST_POLICY",
    meaning: "file that says who is trusted, as --trust-policy",
};

/// The variables of `nav` itself, as `--help` lists them.
pub(crate) const VARIABLES: &[&Variable] = &[
    &OFFLINE,
    &CACHE_FOLDER,
    &PYTHON,
    &LIBRARIES,
    &WORKERS,
    &TRUST_POLICY,
];

/// A value that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn value(variable: &Variable) -> Option<OsString> {
    std::env::var_os(variable.name).filter(|value| !value.is_empty())
}

/// The folder that this user's caches go to, by the rules of the desktop.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn user_cache_folder() -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    std::env::var_os("XDG_CACHE_HOME")
        .and_then(absolute)
        .or_else(|| Some(std::env::var_os("HOME").and_then(absolute)?.join(".cache")))
}
