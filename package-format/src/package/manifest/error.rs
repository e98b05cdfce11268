//! Why a manifest cannot be used.

use super::version::{CURRENT, FormatVersion};

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no JSON of that shape.
    #[error("the manifest cannot be read: {reason}")]
    Malformed {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is of a format that came later.
    #[error(
        "the package has format {found}, and this program reads format {} (it writes {CURRENT})",
        CURRENT.major
    )]
    Version {
        /// The format it has.
        found: FormatVersion,
    },
    /// It contradicts itself.
    #[error("the manifest contradicts itself: {reason}")]
    Contradiction {
        /// How.
        reason: String,
    },
    /// It holds a number that JSON cannot.
    #[error("the manifest cannot be written: {reason}")]
    Unwritable {
        /// What and where.
        reason: String,
    },
}
