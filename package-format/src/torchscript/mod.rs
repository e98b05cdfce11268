//! TorchScript archives as files: what kind of archive it is and what it holds, told without running any
//! of it. Pickles are never interpreted.

mod archive;
mod error;
mod source;

pub use archive::{ArchiveFacts, ArchiveLimits, inspect};
pub use error::TorchScriptError;
