//! From a path to what is known about the model there, without running it.
//!
//! Knows no runner. What a file is, is told by its content; its name is only compared.

mod content;
mod error;
mod examine;
mod report;

pub use error::InspectError;
pub use examine::{facts, inspect};
pub use report::{Facts, FileFacts, Inspection};
