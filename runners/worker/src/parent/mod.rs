//! The parent side: start a child, watch it, send it requests, and tell the truth when it is lost.

mod answer;
mod isolated;
mod life;
mod line;
mod model;
mod options;
mod session;
mod slots;
mod worker;

pub use isolated::{Isolated, hosted};
pub(crate) use isolated::{load, probe};
pub use life::Life;
pub use options::{INHERITED_ENVIRONMENT, SET_ENVIRONMENT, WorkerCommand, WorkerOptions};
