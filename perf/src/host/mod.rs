//! What the system tells of a server's process, where it runs on this machine.

mod listener;
mod process;

pub use listener::listener_of;
pub use process::ProcessUse;
