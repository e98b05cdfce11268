//! Running `nav optimize` as its user would, with the program that was built beside the bench.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `nav --quiet optimize MODEL`, not yet run.
pub fn optimize(model: &Path) -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(nav()?);
    command.arg("--quiet").arg("optimize").arg(model);
    Ok(command)
}

/// `nav` as it was built beside this bench.
pub fn nav() -> Result<PathBuf, Box<dyn Error>> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent);
    let nav = folder.ok_or("no build folder")?.join("nav");
    if nav.is_file() {
        Ok(nav)
    } else {
        Err("build it first: cargo build --release -p nav-cli".into())
    }
}
