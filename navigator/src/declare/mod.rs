//! What a model takes and gives whose file does not say it: what its inputs are is said by the user, or told by samples,
//! and what its outputs are is found by running it.

mod inputs;
mod model;
mod observe;
mod run;

pub use inputs::{InputTextError, parse_input};
pub use run::{DeclareError, Trial, declare, write_example};
