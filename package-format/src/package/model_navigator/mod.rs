//! Packages that Model Navigator wrote, formats 0.2.0 to 0.3.2: their records and how to read them.

mod metadata;
mod status;

pub use metadata::TensorMetadata;
pub use status::{Status, StatusError};
