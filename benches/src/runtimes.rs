//! Where `nav runtime install` puts runtimes, by the same rules as in `nav` itself.

use std::ffi::OsString;
use std::path::Path;

use nav_runners::Libraries;
use nav_worker::packaged::Home;

/// The libraries of this user.
pub fn libraries() -> Libraries {
    let home = match value("NAV_CACHE_FOLDER") {
        Some(folder) => Home::at(Path::new(&folder)).ok(),
        None => Home::of_user(value("XDG_CACHE_HOME"), value("HOME")),
    };
    home.as_ref().map(Home::libraries).unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench has no settings of its own to be told by"
)]
fn value(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}
