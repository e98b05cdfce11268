//! Why there is no report.

use std::io;
use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The page could not be put together.
    #[error("the page cannot be put together")]
    Page(#[from] minijinja::Error),
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Where it was to be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
