//! From a model to a manifest: inspect, plan, execute, choose.
//!
//! Knows no terminal: what goes on is told to an [`Observer`].

mod error;
mod event;
mod outcome;
mod run;
mod served;
mod settings;
mod source;
mod timeline;

pub use error::OptimizeError;
pub use event::{Event, Observer, Stage};
pub use outcome::Optimized;
pub use run::{Means, optimize, plan};
pub use settings::{
    DimRange, Goal, MAX_BATCH, RangeError, Settings, TIME_BUDGET, ToleranceRule, UNCERTAINTY,
};
pub use source::ModelSource;
pub use timeline::Phase;

pub(crate) use timeline::Stopwatch;
