//! A file of the package as the manifest vouches for it.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// A file of the package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name in the package.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its content.
    pub sha256: Digest,
}
