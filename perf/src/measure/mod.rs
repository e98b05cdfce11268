//! Measuring: one load until enough is known of it, and what came of it.

mod level;
mod run;
mod settle;

pub use level::{Ended, Generator, Level, Limit};
pub use run::{Options, measure, measure_in_process};
pub use settle::Uncertainty;
