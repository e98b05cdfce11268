//! The manifest: all that a package of ours says of itself, as versioned JSON. Its schema is published as
//! `docs/manifest.schema.json`.

mod check;
mod choice;
mod document;
mod error;
mod model;
mod provenance;
mod stored_file;
mod version;

pub use choice::Decision;
pub use document::Manifest;
pub use error::ManifestError;
pub use model::Model;
pub use provenance::{MeasuredOn, Provenance};
pub use stored_file::StoredFile;
pub use version::{CURRENT, FormatVersion, VersionError};
