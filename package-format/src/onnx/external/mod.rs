//! External data: the values of tensors that are in other files, which must be inside the model's folder.

mod check;
mod error;
mod folder;
mod location;

pub use check::check_external_data;
pub use error::{ExternalDataError, ExternalFault};
pub use folder::{ExternalFile, ModelFolder};
pub use location::Location;
