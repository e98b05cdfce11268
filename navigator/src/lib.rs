//! From a checkpoint to a package, as a library: what `nav` does short of talking to a person.
//!
//! Knows no server, prints nothing and reads no environment variable.

pub mod check;
pub mod convert;
pub mod declare;
mod execute;
pub mod host;
pub mod inspect;
pub mod optimize;
pub mod pack;
pub mod plan;
pub mod probe;
pub mod profile;
pub mod report;
pub mod runtime;
pub mod samples;
pub mod serving;
pub mod step;
pub mod whole_file;
pub mod workspace;
