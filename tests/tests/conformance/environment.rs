//! The environment variables that the matrix reads, and nothing else does here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nav_runners::Libraries;
use nav_worker::EXTERNAL_RUNNERS;
use nav_worker::packaged::Home;

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
    let home = match value("NAV_CACHE_FOLDER") {
        Some(folder) => Home::at(Path::new(&folder)).ok(),
        None => Home::of_user(value("XDG_CACHE_HOME"), value("HOME")),
    };
    Libraries {
        worker_executables: worker_executables(),
        ..home.as_ref().map(Home::libraries).unwrap_or_default()
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
