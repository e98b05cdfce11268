//! The environment variables that the matrix reads, and nothing else does here.

use std::ffi::OsString;
use std::path::PathBuf;

use nav_runners::Libraries;

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
        ..Libraries::default()
    }
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
