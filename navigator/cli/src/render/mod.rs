//! Results as people read them.

mod comparison;
mod doctor;
mod inspection;
mod optimized;
mod options;
mod package;
mod perf;
mod runtimes;
mod table;
mod tensors;
mod verified;

pub(crate) use doctor::doctor;
pub(crate) use inspection::inspection;
pub(crate) use optimized::optimized;
pub(crate) use options::options;
pub(crate) use package::package;
pub(crate) use perf::{header, limit, load, measured, rows};
pub(crate) use runtimes::runtimes;
pub(crate) use tensors::{duration, tensors, tensors_json};
pub(crate) use verified::verified;
