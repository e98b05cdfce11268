//! Packages that Model Navigator wrote, formats 0.2.0 to 0.3.2: their records and how to read them.

mod metadata;
mod package;
mod status;
mod warning;

pub use metadata::TensorMetadata;
pub use package::{ModelNavigatorPackage, PackageError, Variant};
pub use status::{Status, StatusError};
pub use warning::{Role, Warning};
