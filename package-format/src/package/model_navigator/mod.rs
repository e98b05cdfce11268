//! Model Navigator's packages, formats 0.2.0 to 0.3.2: reading its records into our terms, and writing ours
//! into its.

mod metadata;
mod read;
mod status;
mod write;

pub use metadata::TensorMetadata;
pub(super) use read::{STATUS, read};
pub use status::{Status, StatusError};
pub(super) use write::write;
