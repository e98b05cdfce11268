//! Results as people read them.

mod doctor;
mod inspection;
mod runtimes;
mod table;

pub(crate) use doctor::doctor;
pub(crate) use inspection::inspection;
pub(crate) use runtimes::runtimes;
