//! The report as a file: all of it or none.

use std::io::{self, Write};
use std::path::Path;

use super::error::ReportError;

/// Writes a report beside its final place and renames it, so that nobody sees half a page. What was there is
/// replaced.
pub fn write(path: &Path, html: &str) -> Result<(), ReportError> {
    save(path, html).map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}

fn save(path: &Path, html: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut unfinished = tempfile::NamedTempFile::new_in(folder)?;
    unfinished.write_all(html.as_bytes())?;
    unfinished.as_file().sync_all()?;
    unfinished.persist(path)?;
    Ok(())
}
