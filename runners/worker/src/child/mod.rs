//! The child side: what the process does that holds a model for another one.

mod contain;
mod loading;
mod serve;
mod session;

pub use contain::contain;
pub use serve::{ChildError, program, run};
