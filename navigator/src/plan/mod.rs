//! The plan of an optimization: pure data, made of what is known of model, host and settings.
//!
//! Knows no process and no clock; the same facts give the same plan.

mod build;
mod candidate;
mod cases;
mod document;
mod error;
mod extents;
mod host_facts;
mod knobs;
mod open_dims;
mod waves;

pub use build::build;
pub use candidate::{Candidate, Origin};
pub use cases::{Case, CaseData};
pub use document::{Batches, Plan, Unavailable};
pub use error::PlanError;
pub use extents::{Extents, SampleShapes};
pub use host_facts::{HostFacts, RunnerFacts};
pub(crate) use open_dims::{guess, is_batch_like};
pub use waves::{Refinement, Wave};
