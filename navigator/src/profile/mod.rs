//! Measuring that noise cannot break: intervals, summaries, interleaved rounds, growing batches, dropping what
//! cannot win.
//!
//! Knows no process and no clock but the one it is handed, so all of it is tested with scripted latencies.

mod growth;
mod interval;
mod prospect;
mod rounds;
mod standing;
mod summary;

pub use growth::Growth;
pub use interval::{Interval, median_interval};
pub use prospect::Prospect;
pub(crate) use prospect::rows;
pub use rounds::{Pace, Series, Subject, measure_together};
pub use standing::{Standing, drop_hopeless};
pub use summary::summarize;
