//! Opens packages, ours and Model Navigator's, and answers what is in them through one face.

mod error;
mod origin;
mod ours;
mod package;
mod samples;
mod trust;

pub use error::PackageError;
pub use origin::Origin;
pub(super) use ours::MANIFEST;
pub use package::Package;
pub use samples::Samples;
