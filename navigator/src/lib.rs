//! From a checkpoint to a package, as a library: what `nav` does short of talking to a person.
//!
//! Knows no server, prints nothing and reads no environment variable.

pub mod host;
pub mod inspect;
pub mod report;
pub mod runtime;
pub mod samples;
