//! The manifest as a document: read from text that nobody vouches for, and written the same way every time.

use serde::{Deserialize, Serialize};

use super::check;
use super::choice::Decision;
use super::error::ManifestError;
use super::model::Model;
use super::provenance::Provenance;
use super::stored_file::StoredFile;
use super::version::FormatVersion;
use crate::package::evaluation::Evaluation;
use crate::package::record::Record;
use crate::package::serving::Serving;
use crate::package::variant::Variant;

/// All that a package says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub format: FormatVersion,
    /// The model.
    pub model: Model,
    /// The ways to run it that were tried, the untouched model first.
    pub variants: Vec<Variant>,
    /// What was attempted, in that order.
    pub records: Vec<Record>,
    /// What each strategy chose.
    pub decisions: Vec<Decision>,
    /// How a server should run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<Serving>,
    /// What made the package.
    pub provenance: Provenance,
    /// Every file of the package but this one, by name.
    pub files: Vec<StoredFile>,
}

/// What is read before anything else, so that a later format is told from a damaged one.
#[derive(Deserialize)]
struct Head {
    format: FormatVersion,
}

impl Manifest {
    /// Reads a manifest. What it says is checked as far as it can contradict itself.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let malformed = |error: serde_json::Error| ManifestError::Malformed {
            reason: error.to_string(),
        };
        let head: Head = serde_json::from_slice(text).map_err(malformed)?;
        if !head.format.is_understood() {
            return Err(ManifestError::Version { found: head.format });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(malformed)?;
        check::check(&manifest)?;
        Ok(manifest)
    }

    /// The text of the manifest: the same text for the same content.
    pub fn to_text(&self) -> Result<Vec<u8>, ManifestError> {
        check::check(self)?;
        let unwritable = |error: serde_json::Error| ManifestError::Unwritable {
            reason: error.to_string(),
        };
        let mut text = serde_json::to_vec_pretty(self).map_err(unwritable)?;
        text.push(b'\n');
        Ok(text)
    }

    /// What became of each variant, in their order.
    pub fn evaluations(&self) -> Vec<Evaluation> {
        self.variants
            .iter()
            .map(|variant| Evaluation::of(variant, &self.records))
            .collect()
    }

    /// The file of this name.
    pub fn file(&self, name: &str) -> Option<&StoredFile> {
        let found = self
            .files
            .binary_search_by(|file| file.name.as_str().cmp(name));
        self.files.get(found.ok()?)
    }
}
