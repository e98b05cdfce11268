//! Where `nav runtime install` puts runtimes, by the same rules as in `nav` itself.

use std::path::PathBuf;

use nav_runners::Libraries;

/// The libraries of this user.
pub fn libraries() -> Libraries {
    Libraries {
        runtimes_folder: cache_folder().map(|folder| folder.join("runtimes")),
        ..Libraries::default()
    }
}

fn cache_folder() -> Option<PathBuf> {
    folder("NAV_CACHE_FOLDER")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("nav")))
        .or_else(|| Some(folder("HOME")?.join(".cache/nav")))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench has no settings of its own to be told by"
)]
fn folder(variable: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os(variable)?);
    folder.is_absolute().then_some(folder)
}
