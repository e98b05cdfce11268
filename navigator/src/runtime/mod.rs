//! Vendor runtimes: which wheels they come in, how they are fetched, checked, unpacked and removed.
//!
//! Knows nothing of what runners do with the libraries, and prints nothing.

mod catalogue;
mod error;
mod fetch;
mod install;
mod unpack;

pub use error::RuntimeError;
pub use fetch::Source;
pub use install::{Installed, Outcome, Progress, Runtimes};
