//! The commands, one file each: settings in, work done by the libraries, results rendered.

pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod infer;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod optimize;
pub(crate) mod perf;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod runtime;
pub(crate) mod serve;
pub(crate) mod serving;
pub(crate) mod show;
pub(crate) mod sign;
pub(crate) mod step;
pub(crate) mod unpack;
pub(crate) mod verify;
pub(crate) mod worker;
