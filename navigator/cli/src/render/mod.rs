//! Results as people read them.

mod doctor;
mod runtimes;
mod table;

pub(crate) use doctor::doctor;
pub(crate) use runtimes::runtimes;
