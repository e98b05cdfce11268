//! The report as a file: all of it or none.

use std::io::{self, Write};
use std::path::Path;

use super::error::ReportError;
use crate::whole_file::write_whole;

/// Writes a report, whole or not at all. What was there is replaced.
pub fn write(path: &Path, html: &str) -> Result<(), ReportError> {
    let written: io::Result<()> = write_whole(path, |file| {
        file.write_all(html.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}
