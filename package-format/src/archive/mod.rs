//! The archive that a package is: a zip of which there is one reading only, every byte of which is checked.
//!
//! Reading goes through one strict reader of layouts, which the archives of NumPy and `PyTorch` share; it is
//! written here and not taken from the crate `zip`, which looks for an archive's end in its comment, takes
//! entries that overlap, and does not say which bytes belong to none. Inflating is `flate2`'s, directly.
//! Knows nothing of what a package means.

mod canonical;
mod content;
mod error;
mod extract;
mod layout;
mod limits;
mod name;
mod partial;
mod positioned;
mod reader;
mod record;
mod sink;
mod window;
mod writer;

pub(crate) use content::Content;
pub use error::{ArchiveError, EntryFault};
pub use extract::ExtractFolder;
pub use layout::Entry;
pub(crate) use layout::Layout;
pub(crate) use limits::Dialect;
pub use limits::Limits;
pub use name::{NameFault, check_name};
pub(crate) use partial::Partial;
pub use reader::{Archive, EntryReader};
pub(crate) use sink::{Alignment, Sink};
pub use window::Window;
pub use writer::{ArchiveWriter, Written};

#[cfg(test)]
mod tests;
