//! The environment variables that the matrix reads, and nothing else does here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use nav_runners::Libraries;
use nav_worker::EXTERNAL_RUNNERS;

/// A variable that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find the runtimes where users have them, which the environment says"
)]
fn value(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The vendor libraries that `nav runtime install` has put in place for this user.
pub(crate) fn libraries() -> Libraries {
    let folder = |name, below: &str| value(name).map(|value| PathBuf::from(value).join(below));
    let cache = folder("NAV_CACHE_FOLDER", "")
        .or_else(|| folder("XDG_CACHE_HOME", "nav"))
        .or_else(|| folder("HOME", ".cache/nav"));
    Libraries {
        runtimes_folder: cache.map(|cache| cache.join("runtimes")),
        worker_executables: worker_executables(),
        ..Libraries::default()
    }
}

/// The executables of runners that were built beside `nav`, which is one folder above that of tests.
fn worker_executables() -> BTreeMap<String, PathBuf> {
    let program = std::env::current_exe().ok();
    let folder = program
        .as_deref()
        .and_then(|program| program.ancestors().nth(2));
    let names = EXTERNAL_RUNNERS.iter().map(|runner| runner.executable);
    let built = names.filter_map(|name| {
        let path = folder?.join(name);
        path.is_file().then(|| (name.to_owned(), path))
    });
    built.collect()
}

/// The names of the runners that must work here.
pub(crate) fn required_runners() -> Vec<String> {
    let list = value("NAV_REQUIRE_RUNNERS").unwrap_or_default();
    let list = list.to_string_lossy().into_owned();
    let names = list.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
