//! Ensembles: models whose run is requests to other models.
//!
//! No thread waits inside an ensemble: the thread that answers a step asks for the next ones, and never blocks
//! for it. A full queue further in is an error of the request, and cannot hold up anything further out.

mod error;
mod plan;
mod run;
mod spec;

pub use error::EnsembleError;
pub(crate) use plan::{Plan, StepModel};
pub(crate) use run::begin;
pub use spec::{EnsembleSpec, EnsembleStep};
