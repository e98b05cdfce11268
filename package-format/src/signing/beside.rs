//! Where the signature of a package is, unless something else is said.

use std::io;
use std::path::{Component, Path, PathBuf};

/// The end of the name of a signature.
const END: &str = ".sig";

/// The file beside a package, or a folder, that has its signature; none where the package has no name.
pub fn beside(package: &Path) -> io::Result<Option<PathBuf>> {
    let absolute = std::path::absolute(package)?;
    Ok(match absolute.components().next_back() {
        // As it was given, where it ends in a name; slashes at its end are of no consequence.
        Some(Component::Normal(name)) if package.file_name() == Some(name) => {
            Some(ending(&package.with_file_name(name)))
        }
        Some(Component::Normal(_)) => Some(ending(&absolute)),
        _ => None,
    })
}

fn ending(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(END);
    name.into()
}
