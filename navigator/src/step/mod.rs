//! A step: one candidate in a process of its own. Its file says all that it takes to do it again.
//!
//! [`serve`] is the child that obeys a parent, [`replay`] does the same work alone, for people.

mod bench;
mod file;
mod inputs;
mod limits;
mod memory;
mod placement;
mod protocol;
mod replay;
mod serve;
mod work;

pub use bench::BenchError;
pub use file::{ConversionStep, StepCase, StepFile, StepFileError};
pub use limits::die_with_parent;
pub use memory::Peak;
pub use protocol::{Answer, Fault, LONGEST_LINE, OutputReport, Report, Request, Said};
pub use replay::{Replayed, replay};
pub use serve::{ServeError, serve};

pub(crate) use inputs::write_tensors;
pub(crate) use memory::Family;
