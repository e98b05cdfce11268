//! The folder that an optimization works in: samples, reference outputs, converted models, step files, and a
//! journal of everything that is done, so that a run that was killed goes on where it stopped.

mod folder;
mod journal;

pub use folder::{Workspace, WorkspaceError};
pub use journal::{Journal, Key};
